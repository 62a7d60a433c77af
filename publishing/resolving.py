"""Nobody could tell whether it is out, so a person looked. Sending it again takes a second person.

The attempts that were unknown are settled by what the person saw; the database refuses to send again before that.
"""

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.db.models import Q
from django.db.models.functions import Now

from accounts.audit import record, register
from accounts.models import Person
from channels_registry import permissions as channel_permissions
from publishing import queries, scheduling
from publishing.models import Publication
from socialops.lib.delivery.late import late_acceptance, may_confirm, refuse_late_answer

register("publication.confirmed", "saw that a post is out")
register("publication.found_absent", "saw that a post is not out")
register("publication.sent_again", "sent a post again after looking for it")


@transaction.atomic
def confirm_out(publication: Publication, by: Person, url: str) -> Publication:
    """It is out, at this address: nobody knew, or a late answer of the network says the same."""
    publication = _locked(publication, by)
    if not may_confirm(publication):
        raise _nobody_asks(publication)
    _refuse_second_place(publication)
    if not url.startswith(("https://", "http://")):
        raise ValidationError({"url": "Paste the address of the post on the network, beginning with https://."})
    _settle_attempts(publication, by, "accepted", url=url)
    publication.state, publication.reason = "done", ""
    publication.remote_id = publication.remote_id or _late_id(publication)
    publication.remote_url, publication.human_confirmed_by, publication.settled_at = url[:600], by, queries.now()
    publication.save(update_fields=["state", "reason", "remote_id", "remote_url", "human_confirmed_by", "settled_at"])
    record(by, "publication.confirmed", publication, url=url)
    return publication


@transaction.atomic
def confirm_absent(publication: Publication, by: Person) -> Publication:
    """It is not out, and stays so until somebody gives it a new time."""
    publication = _asked(publication, by)
    _settle_attempts(publication, by, "proven_absent")
    publication.state, publication.settled_at = "failed", queries.now()
    publication.reason = f"{by} looked on the network: it is not out."
    publication.save(update_fields=["state", "reason", "settled_at"])
    record(by, "publication.found_absent", publication)
    return publication


@transaction.atomic
def send_again(publication: Publication, by: Person) -> Publication:
    """It is not out and goes out now. Two people stand behind that: who answers for it, and another."""
    publication = _asked(publication, by)
    if publication.answerable_id == by.pk:
        raise PermissionDenied("You answer for this post, so somebody else has to look too before it is sent again.")
    scheduling.refuse_overtaken(publication)
    now = queries.now()
    scheduling.refuse_at(publication, now, by.time_zone)
    _settle_attempts(publication, by, "proven_absent")
    publication.state, publication.reason = "scheduled", ""
    publication.next_attempt_at, publication.not_after = now, now + scheduling.LATEST_USEFUL
    publication.tries = publication.looks = 0
    publication.save(update_fields=["state", "reason", "next_attempt_at", "not_after", "tries", "looks"])
    record(by, "publication.sent_again", publication, hash=publication.content_hash)
    return publication


def _asked(publication: Publication, by: Person) -> Publication:
    publication = _locked(publication, by)
    if publication.state != "needs_human":
        raise _nobody_asks(publication)
    refuse_late_answer(publication)
    return publication


def _locked(publication: Publication, by: Person) -> Publication:
    publication = scheduling.locked(publication)
    channel_permissions.require(by, "publish", publication.channel)
    return publication


def _nobody_asks(publication: Publication) -> ValidationError:
    looking = publication.state in ("sending", "unknown")
    words = "Socialops is still looking." if looking else "It is already settled."
    return ValidationError(f"Nobody has to decide about this post. {words}")


def _refuse_second_place(publication: Publication) -> None:
    """One publication a variant: what was cancelled is out after all, and another was scheduled meanwhile."""
    others = Publication.objects.filter(
        variant=publication.variant_id, occurrence=publication.occurrence, part=publication.part
    )
    if publication.state == "cancelled" and others.exclude(state="cancelled").exists():
        raise ValidationError("It is scheduled again on this channel. Cancel that first, then say that this is out.")


def _late_id(publication: Publication) -> str:
    """The network's id from its late answer, unless another post has it."""
    said = (late_acceptance(publication) or {}).get("remote_id", "")
    taken = Publication.objects.filter(channel=publication.channel_id, remote_id=said)
    return "" if taken.exists() else said


def _settle_attempts(publication: Publication, by: Person, outcome: str, **evidence: str) -> None:
    for attempt in publication.attempts.filter(Q(outcome="unknown") | Q(outcome=None)):
        attempt.outcome = outcome
        attempt.evidence = {**attempt.evidence, "seen_by": by.pk, **evidence}
        attempt.settled_at = attempt.settled_at or Now()
        attempt.save(update_fields=["outcome", "evidence", "settled_at"])
