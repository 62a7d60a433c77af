"""The home page: what waits for this person, then what goes out and what is broken. Composed from the apps' queries.

What waits is the page. The outlook (what goes out, what is broken) is a page of its own that Today asks for next.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone

from accounts.models import Role
from channels_registry.queries import waiting as registry_queries
from governance import queries as governance_queries
from governance.queries import reviews as review_queries
from inbox import queries as inbox_queries
from publishing import queries as publishing_queries
from socialops.frame import CONTROL, Frame, address
from socialops.lib.tags import absolute, span_words
from socialops.lib.waiting import Waiting, by_urgency

NUMBERS = ["No", "One", "Two", "Three", "Four", "Five", "Six", "Seven", "Eight", "Nine", "Ten", "Eleven", "Twelve"]
SHOWN = 20
TROUBLE_ON_TODAY = 5


def today(request: HttpRequest) -> HttpResponse:
    person, frame = request.user.person, Frame(request)
    waiting = sorted(_waiting(person, frame), key=_clock_first)
    context = {
        "frame": frame,
        "greeting": f"{_part_of_day()}, {person.name.split()[0]}. {_how_many(waiting)}",
        "first": _first_clock(waiting),
        "waiting": waiting[:SHOWN],
        "more_waiting": max(0, len(waiting) - SHOWN),
        "now": timezone.localtime(),
        "zone": timezone.get_current_timezone_name().rpartition("/")[2].replace("_", " "),
    }
    return render(request, "today.html", context)


def outlook(request: HttpRequest) -> HttpResponse:
    """What goes out in the next 24 hours, and what is broken: a page, or Today's second half."""
    person, within, now = request.user.person, bool(request.headers.get("HX-Request")), timezone.now()
    trouble = by_urgency(_trouble(person), now)
    shown = trouble[:TROUBLE_ON_TODAY] if within else trouble
    context = {
        "going_out": publishing_queries.going_out(person),
        "within": within,
        "trouble": shown,
        "more_trouble": len(trouble) - len(shown),
        "now": timezone.localtime(now),
    }
    return render(request, "outlook.html#within" if within else "outlook.html", context)


def _waiting(person, frame: Frame) -> Iterator[Waiting]:
    yield from publishing_queries.waiting_for(person)
    yield from inbox_queries.waiting_for(person)
    yield from registry_queries.waiting_for(person)
    yield from _counted(frame)
    yield from frame.reviews
    if frame.roles & {Role.ADMIN, Role.SOCIAL_LEAD}:
        yield from review_queries.ready_to_attest()
    if frame.roles & CONTROL:
        yield from governance_queries.waiting_for(person)


COUNTED = {  # what the frame has counted already: one of it, several of it, what it is about, the verb, its word
    "finding_list": (
        "1 door is not as it is on record", "{} doors are not as they are on record",
        "A network shows somebody else, another level, or nobody.", "Decide", "Drift",
    ),
    "login_list": (
        "1 shared login needs a new secret", "{} shared logins need a new secret",
        "Somebody who knew it goes, or its days are over.", "Rotate", "Due",
    ),
    "access_request_list": (
        "1 request for access waits for your word", "{} requests for access wait for your word",
        "Somebody asks for a level on a channel, a seat or a shared login.", "Decide", "Waits",
    ),
    "break_glass_list": (
        "1 emergency access waits for you", "{} emergency accesses wait for you",
        "To be confirmed, reported or reviewed.", "Look", "Emergency",
    ),
}  # fmt: skip


def _counted(frame: Frame) -> Iterator[Waiting]:
    for name, (one, several, detail, verb, word) in COUNTED.items():
        if count := frame.waits(name):
            title = one if count == 1 else several.format(count)
            yield Waiting(title, detail, address(name), verb, tone="risk", word=word)


def _trouble(person) -> Iterator[Waiting]:
    yield from publishing_queries.trouble(person)
    yield from inbox_queries.trouble(person)
    yield from _with_posts(registry_queries.trouble(person))


def _with_posts(trouble: list[Waiting]) -> Iterator[Waiting]:
    """A connection that is dead, or ends, names the posts that will fail with it: publishing knows them."""
    lost = {each.channel: each.due_at for each in trouble if each.channel}
    failing = publishing_queries.scheduled_from(lost)
    for each in trouble:
        if each.channel in failing:
            count, first = failing[each.channel]
            posts = "1 scheduled post will fail" if count == 1 else f"{count} scheduled posts will fail, the first"
            each = replace(each, detail=f"{each.detail} {posts} on {absolute(first)}.".strip())
        yield each


def _clock_first(each: Waiting) -> tuple[bool, datetime | str, str]:
    return (each.due_at is None, each.due_at or "", each.title)


def _how_many(waiting: list[Waiting]) -> str:
    count = len(waiting)
    if count == 0:
        return "Nothing waits for you."
    words = NUMBERS[count] if count < len(NUMBERS) else str(count)
    return f"{words} thing waits for you." if count == 1 else f"{words} things wait for you."


def _first_clock(waiting: list[Waiting]) -> str:
    """When the first clock runs out, in words; nothing when there is none."""
    due = next((each.due_at for each in waiting if each.due_at), None)
    if due is None:
        return ""
    left = (due - timezone.now()).total_seconds()
    return f"The first runs out in {span_words(left)}." if left > 0 else f"The first ran out {span_words(-left)} ago."


def _part_of_day() -> str:
    """A greeting for this hour on the reader's clock. Nobody is wished a good evening at two in the morning."""
    hour = timezone.localtime().hour
    if not 5 <= hour < 22:
        return "Hello"
    return "Good morning" if hour < 12 else "Good afternoon" if hour < 18 else "Good evening"
