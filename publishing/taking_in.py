"""Taking in what people without a seat ask for: the forms and their links, and what becomes of each request.

Who asks follows it at a signed link of their own, which came by mail. Neither link opens anything else.
"""

import secrets
from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core import signing
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.db.models.functions import Now
from django.urls import reverse

from accounts import notifying
from accounts.audit import record, register
from accounts.models import Person
from accounts.permissions import has_role, require_role
from channels_registry import permissions as channel_permissions
from channels_registry.models import Channel
from publishing import drafting
from publishing.models import Campaign, IntakeForm, Post, PostRequest
from publishing.permissions import LEADS
from socialops.lib.tokens import digest

SALT = "publishing.post_request"  # a link for another purpose is signed with another salt, and refused here
GOOD_FOR = timedelta(days=180)
HOUR, MOST_AN_HOUR, MOST_OF_ONE = timedelta(hours=1), 60, 5
GONE = "This link is not good any more. Ask whoever gave it to you for another."

register("intake.opened", "opened a form for requests")
register("intake.link_renewed", "gave a form for requests another link")
register("intake.closed", "closed a form for requests")
register("request.received", "received a request for a post")
register("request.accepted", "took up a request for a post")
register("request.refused", "refused a request for a post")
register("request.duplicate", "marked a request for a post as asked before")


@transaction.atomic
def open_form(
    by: Person, name: str, channels: Iterable[Channel] = (), campaigns: Iterable[Campaign] = ()
) -> tuple[IntakeForm, str]:
    """The form, and its link, which nobody can read again."""
    require_role(by, *LEADS)
    if not name.strip():
        raise ValidationError({"name": "Give it a name. Who opens the link sees it."})
    token = secrets.token_urlsafe(24)
    form = IntakeForm.objects.create(name=name.strip(), token_hash=digest(token), made_by=by)
    form.channels.set(channels)
    form.campaigns.set(campaigns)
    record(by, "intake.opened", form)
    return form, link_of(token)


@transaction.atomic
def renew_link(form: IntakeForm, by: Person) -> str:
    """Another link; the one before stops working."""
    require_role(by, *LEADS)
    form = _open(form)
    token = secrets.token_urlsafe(24)
    form.token_hash = digest(token)
    form.save(update_fields=["token_hash"])
    record(by, "intake.link_renewed", form)
    return link_of(token)


@transaction.atomic
def close_form(form: IntakeForm, by: Person) -> IntakeForm:
    """Nothing more comes in. Who asked can still follow what they asked for."""
    require_role(by, *LEADS)
    form = _open(form)
    IntakeForm.objects.filter(pk=form.pk).update(closed_at=Now())
    record(by, "intake.closed", form)
    return form


def opened(token: str) -> IntakeForm:
    """The form of a link. Raises ValidationError with what to do if there is none (any more)."""
    form = IntakeForm.objects.filter(token_hash=digest(token), closed_at=None).first()
    if form is None:
        raise ValidationError(GONE)
    return form


@transaction.atomic
def take_in(form: IntakeForm, said: dict[str, Any]) -> PostRequest:
    """What a stranger asks for. `said`: who, email, what, why, audience, link, wanted_on, channels, campaign."""
    form = _open(form)
    _refuse_flood(form, said["email"])
    channels, campaign = said.pop("channels", []), said.get("campaign")
    offered = set(form.channels.values_list("pk", flat=True))
    if any(channel.pk not in offered for channel in channels):
        raise ValidationError({"channels": "Choose from the channels that are offered."})
    if campaign and not form.campaigns.filter(pk=campaign.pk).exists():
        raise ValidationError({"campaign": "Choose from the campaigns that are offered."})
    request = PostRequest.objects.create(form=form, **said)
    request.channels.set(channels)
    record(None, "request.received", request, form=form.pk)
    words = f"{request.who} asks for a post: “{' '.join(request.what.split())[:120]}”"
    notifying.notify(form.made_by, "request.received", words, reverse("request", args=[request.pk]))
    _mail(request, "We have your request", "We have your request for a post. Nobody has decided about it yet.")
    return request


@transaction.atomic
def accept(request: PostRequest, by: Person, channels: Iterable[Channel] = ()) -> Post:
    """A draft in their words, which `by` writes on. In the campaign they chose, unless it was put away since."""
    request = _undecided(request, by)
    why = " ".join(request.why.split())[:300]
    text = f"{request.what}\n\n{request.link}" if request.link else request.what
    campaign = None if request.campaign and request.campaign.archived_at else request.campaign
    post = drafting.create_post(by, channels, text, why_now=why, campaign=campaign)
    request.post = post
    _decide(request, by, PostRequest.State.ACCEPTED)
    record(by, "request.accepted", request, post=post.pk)
    _mail(request, "Your request is in work", f"{by} has taken up your request and writes the post.")
    return post


@transaction.atomic
def refuse(request: PostRequest, by: Person, reason: str, note: str = "") -> PostRequest:
    """With one of the declared reasons, which they are told, and the note."""
    request = _undecided(request, by)
    if reason not in PostRequest.Refusal.values:
        raise ValidationError({"reason": "Choose why. They are told."})
    request.refusal, request.note = reason, note.strip()
    _decide(request, by, PostRequest.State.REFUSED)
    record(by, "request.refused", request, reason=reason)
    told = f"We will not publish what you asked for. {request.get_refusal_display()}."
    _mail(request, "About your request", f"{told}\n\n{request.note}".strip())
    return request


@transaction.atomic
def mark_duplicate(request: PostRequest, by: Person, of: PostRequest) -> PostRequest:
    """Somebody asked for the same before; whoever asks now follows that one."""
    request = _undecided(request, by)
    of = PostRequest.objects.select_for_update().get(pk=of.pk)
    if of.pk == request.pk or of.duplicate_of_id:
        raise ValidationError({"of": "Choose the first request of them, not this one or another double."})
    request.duplicate_of = of
    _decide(request, by, PostRequest.State.DUPLICATE)
    record(by, "request.duplicate", request, of=of.pk)
    _mail(request, "About your request", "Somebody asked for the same before you. Your link now follows that request.")
    return request


def may_triage(person: Person) -> bool:
    return has_role(person, *LEADS) or channel_permissions.channels_with(person, "draft").exists()


def link_of(token: str) -> str:
    return settings.BASE_URL + reverse("asking", args=[token])


def status_link(request: PostRequest) -> str:
    return settings.BASE_URL + reverse("asked", args=[signing.dumps(request.pk, salt=SALT)])


def followed(token: str) -> PostRequest:
    """The request of a status link; for a double, the one it doubles."""
    try:
        pk = signing.loads(token, salt=SALT, max_age=GOOD_FOR)
    except signing.BadSignature as error:
        raise ValidationError(GONE) from error
    request = PostRequest.objects.select_related("post", "duplicate_of__post").filter(pk=pk).first()
    if request is None:
        raise ValidationError(GONE)
    return request.duplicate_of or request


def _open(form: IntakeForm) -> IntakeForm:
    form = IntakeForm.objects.select_for_update().get(pk=form.pk)
    if form.closed_at:
        raise ValidationError("This form is closed.")
    return form


def _refuse_flood(form: IntakeForm, email: str) -> None:
    """Counted in the database, with the form locked: whatever address it comes from, and without a cache."""
    lately = PostRequest.objects.filter(received_at__gt=Now() - HOUR)
    if lately.filter(email__iexact=email).count() >= MOST_OF_ONE or lately.filter(form=form).count() >= MOST_AN_HOUR:
        raise ValidationError("Too many requests came in just now. Nothing was sent. Try again in an hour.")


def _undecided(request: PostRequest, by: Person) -> PostRequest:
    request = PostRequest.objects.select_for_update(of=("self",)).select_related("campaign").get(pk=request.pk)
    if not may_triage(by):
        raise PermissionDenied("Only somebody who may write posts, or a social lead, decides about requests.")
    if request.state != PostRequest.State.RECEIVED:
        raise ValidationError("Somebody has already decided about it.")
    return request


def _decide(request: PostRequest, by: Person, state: str) -> None:
    request.state, request.decided_by, request.decided_at = state, by, Now()
    request.save()
    request.refresh_from_db()


def _mail(request: PostRequest, subject: str, words: str) -> None:
    # Nothing that a stranger wrote: the address may be another's, and would have a mail of theirs from us.
    body = f"Hello,\n\n{words}\n\nHow it stands: {status_link(request)}\n"
    notifying.send_mail_to(request.email, subject, body)
