"""Search and commands: every page, channel, person, post, conversation, and every verb, from one field."""

from collections.abc import Iterator
from dataclasses import dataclass

from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from accounts.models import Person
from channels_registry import permissions as channel_permissions
from inbox.models import Conversation
from publishing.permissions import visible_posts
from socialops.frame import Frame, address

EACH = 6
# What one can do, by URL name: the words, other words people try, the icon, the role it needs.
VERBS = [
    ("post_new", "Write a post", "new create draft compose", "pen-line", ""),
    ("asset_new", "Add a picture to the library", "upload image photo video asset media file", "upload", ""),
    ("request_list", "Requests for posts", "intake stakeholder ask form", "inbox", ""),
    ("campaign_new", "Start a campaign", "new utm goal", "flag", ""),
    ("hold_new", "Hold everything", "stop pause crisis halt offline kill", "octagon-pause", ""),
    ("channel_new", "Register a channel", "new add account page connect", "megaphone", "admin"),
    ("person_new", "Add a person", "new invite colleague user", "user-plus", "admin"),
    ("leaver_list_list", "Leavers from a file", "csv xlsx import departure offboarding many", "door-open", "admin"),
    ("directory", "Directory (SCIM)", "entra okta provisioning hr personnel webhook key", "users", "admin"),
    ("review_new", "Begin an access review", "new certify recertification attest campaign", "list-checks", "admin"),
    ("token_list", "API tokens", "key integration developer script tool", "plug", ""),
    ("everybodys_tokens", "Everybody’s API tokens", "key integration", "plug", "admin"),
    ("notification_list", "Notifications", "unread", "bell", ""),
    ("settings", "My settings", "password passkey second factor time zone sessions security theme", "settings", ""),
]


@dataclass(frozen=True)
class Result:
    words: str
    detail: str
    url: str
    icon: str


def search(request: HttpRequest) -> HttpResponse:
    """The page, or its list alone for the palette."""
    text = " ".join(request.GET.get("q", "").split())[:100]
    groups = {label: results for label, found in _groups(request, text) if (results := list(found))}
    template = "search.html#results" if request.headers.get("HX-Request") else "search.html"
    return render(request, template, {"q": text, "groups": groups})


def _groups(request: HttpRequest, text: str) -> Iterator[tuple[str, Iterator[Result]]]:
    yield "Do", _verbs(request, text)
    yield "Go to", _places(request, text)
    if len(text) < 2:
        return
    person = request.user.person
    channels = channel_permissions.seen_by(person)
    yield "Channels", _channels(channels, text)
    yield "People", _people(text)
    yield "Posts", _posts(person, text)
    yield "Conversations", _conversations(channels, text)


def _verbs(request: HttpRequest, text: str) -> Iterator[Result]:
    frame = Frame(request)
    for name, words, others, icon, role in VERBS:
        allowed, url = not role or role in frame.roles, address(name)
        if allowed and url and _meant(text, f"{words} {others}"):
            yield Result(words, "", url, icon)


def _places(request: HttpRequest, text: str) -> Iterator[Result]:
    for section in Frame(request).sections:
        for place in section.places:
            if _meant(text, place.label):
                yield Result(place.label, section.label, place.url, place.icon)


def _channels(channels, text: str) -> Iterator[Result]:
    found = channels.filter(Q(name__icontains=text) | Q(handle__icontains=text)).order_by("name")
    for channel in found[:EACH]:
        yield Result(channel.name, channel.handle, address("channel", channel.pk), "megaphone")


def _people(text: str) -> Iterator[Result]:
    found = Person.objects.filter(Q(name__icontains=text) | Q(email__icontains=text)).order_by("name")
    for person in found[:EACH]:
        yield Result(person.name, person.title or person.email, address("person", person.pk), "user")


def _posts(person: Person, text: str) -> Iterator[Result]:
    found = visible_posts(person).filter(Q(title__icontains=text) | Q(text__icontains=text)).order_by("-updated_at")
    for post in found[:EACH]:
        yield Result(post.title, post.get_state_display(), address("post", post.pk), "pen-line")


def _conversations(channels, text: str) -> Iterator[Result]:
    words = Q(subject__icontains=text) | Q(contact__handle__icontains=text) | Q(contact__name__icontains=text)
    found = Conversation.objects.filter(words, channel__in=channels.values("pk")).select_related("contact", "channel")
    for each in found.order_by("-last_message_at")[:EACH]:
        who = each.contact.name or each.contact.handle
        yield Result(who, each.subject, address("conversation", each.pk), "message-square")


def _meant(text: str, words: str) -> bool:
    """Whether every word that was typed begins one of the words."""
    known = words.lower().split()
    return all(any(word.startswith(typed) for word in known) for typed in text.lower().split())
