"""Changing what is out, where the network can: the verbs, and the lane that carries them out.

Both are safe to repeat: the same text put twice is one edit, what is gone is taken down. So after a lost answer the
network is looked at, and only what is proven not to have happened is sent again.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q
from django.db.models.functions import Now

from accounts import audit, notifying
from accounts.audit import record, register
from accounts.models import Person
from channels_registry import budgets
from channels_registry import permissions as channel_permissions
from channels_registry.connector.capabilities import Deletes, Edits
from channels_registry.connector.errors import NetworkError
from channels_registry.connector.types import Draft, Published, Unsure
from channels_registry.delivering import ERRORS, learnt, refusals, revive, told
from channels_registry.reaching import Reach, Reached, client
from publishing import queries, scheduling
from publishing.models import Correction, CorrectionAttempt, Embargo, Publication
from socialops.lib.delivery.lane import Lane, Looking, Refusal, Settled

PLACES = 10
USEFUL = timedelta(hours=1)  # after it a person decides again
NEEDS = {"edit": Edits, "delete": Deletes}
OPEN = ("scheduled", "sending", "unknown", "needs_human", "held", "blocked", "missed", "failed")
TELLS = {"done": "publication.corrected", "failed": "publication.correction_failed"}

register("publication.edit_asked", "put the approved text over what is out")
register("publication.deletion_asked", "took a post down")
register("publication.correction_withdrawn", "took back a change of what is out")
register("publication.correction_seen", "looked whether a change of what is out has happened")
register("publication.corrected", "changed what is out")
register("publication.correction_failed", "could not change what is out")


@transaction.atomic
def edit(publication: Publication, by: Person) -> Correction:
    """Put the newly approved text over what is out."""
    publication = _out(publication, by, "edit")
    approval = scheduling.approved(publication.variant.post)
    _refuse_too_early(publication, approval, by)
    text = _approved_text(publication, approval.revision)
    now, out, on = approval.revision, publication.revision, publication.channel_id
    if now.media_for(on) != out.media_for(on) or now.card_for(on) != out.card_for(on):
        raise ValidationError("Only the text of what is out can be changed, and the pictures or the card differ too.")
    made = _due(publication, by, kind="edit", text=text, approval=approval, content_hash=approval.revision.hash)
    record(by, "publication.edit_asked", publication, correction=made.pk, hash=made.content_hash)
    return made


@transaction.atomic
def delete(publication: Publication, by: Person, why: str) -> Correction:
    """Take it down. It cannot be put back: only published anew."""
    publication = _out(publication, by, "delete")
    if not why.strip():
        raise ValidationError({"why": "Say why it is taken down. It stays in the trail."})
    made = _due(publication, by, kind="delete", why=why.strip())
    record(by, "publication.deletion_asked", publication, correction=made.pk, why=made.why)
    return made


@transaction.atomic
def withdraw(correction: Correction, by: Person) -> Correction:
    """What has not begun, or was refused, is not done after all."""
    correction = _locked(correction, by)
    if correction.state not in scheduling.WAITING:
        raise ValidationError("It is on its way, or already settled.")
    correction.state = "cancelled"
    correction.save(update_fields=["state"])
    record(by, "publication.correction_withdrawn", correction.publication, correction=correction.pk)
    return correction


@transaction.atomic
def settle(correction: Correction, by: Person, happened: bool) -> Correction:
    """Somebody looked over there, where the network gave no clear answer."""
    correction = _locked(correction, by)
    if correction.state != "needs_human":
        raise ValidationError("Nobody has to decide about it.")
    outcome = "accepted" if happened else "proven_absent"
    correction.attempts.filter(Q(outcome="unknown") | Q(outcome=None)).update(outcome=outcome, settled_at=Now())
    correction.state = "done" if happened else "failed"
    correction.reason = "" if happened else f"{by} looked on the network: it has not happened."
    correction.settled_at = queries.now()
    correction.save(update_fields=["state", "reason", "settled_at"])
    if happened:
        _carry_out([correction.pk])
    record(by, "publication.correction_seen", correction.publication, happened=happened)
    return correction


def offered(publication: Publication) -> dict[str, str]:
    """Of edit and delete those that the network offers ("") or does not (why)."""
    network = queries.connector_of(publication.channel)
    label = network.label if network else publication.channel.network
    words = {"edit": f"{label} does not let a post be edited.", "delete": f"{label} does not let us take a post down."}
    return {kind: "" if isinstance(network, needed) else words[kind] for kind, needed in NEEDS.items()}


def _out(publication: Publication, by: Person, kind: str) -> Publication:
    publication = scheduling.locked(publication)
    channel_permissions.require(by, "publish", publication.channel)
    if publication.state != "done" or publication.taken_down_at or not publication.remote_id:
        raise ValidationError("It is not out, as far as Socialops knows, so there is nothing to change over there.")
    if why := offered(publication)[kind]:
        raise ValidationError(f"{why} Do it there by hand.")
    if publication.corrections.filter(state__in=OPEN).exists():
        raise ValidationError("A change of it is under way. Wait for its end, or take it back.")
    return publication


def _refuse_too_early(publication: Publication, approval, by: Person) -> None:
    """The text goes out at once: within the times that were agreed to, and after an embargo."""
    now = queries.now()
    scheduling.refuse_outside(approval, now, by.time_zone)
    if embargo := Embargo.objects.filter(post=publication.variant.post_id, until__gt=now).first():
        raise ValidationError(f"This post is under embargo: {embargo.reason}. Change what is out when that has ended.")


def _approved_text(publication: Publication, revision) -> str:
    parts, before = (each.parts_on(publication.channel_id) for each in (revision, publication.revision))
    text = next((part.text for part in parts if part.number == publication.part), None)
    if text is None:
        raise ValidationError("The approved revision does not go there any more. Take it down instead.")
    if [part.is_comment for part in parts] != [part.is_comment for part in before]:
        raise ValidationError("A thread or a first comment was added or left out, so this is no edit of what is out.")
    if text == publication.text:
        raise ValidationError("What is out says already what was approved. Change the post and have it approved first.")
    return text


def _due(publication: Publication, by: Person, **fields) -> Correction:
    now = queries.now()
    return Correction.objects.create(
        publication=publication, channel=publication.channel, answerable=by, due_at=now, next_attempt_at=now,
        not_after=now + USEFUL, **fields,
    )  # fmt: skip


def _locked(correction: Correction, by: Person) -> Correction:
    found = Correction.objects.select_for_update(of=("self",)).select_related("publication", "channel")
    correction = found.get(pk=correction.pk)
    channel_permissions.require(by, "publish", correction.channel)
    return correction


def _carry_out(ids: Sequence[int]) -> None:
    """What happened over there is what we know of it here."""
    for done in Correction.objects.filter(pk__in=ids).select_related("approval"):
        there = Publication.objects.filter(pk=done.publication_id)
        if done.approval:
            there.update(text=done.text, approval=done.approval, revision=done.approval.revision_id,
                         content_hash=done.content_hash)  # fmt: skip
        else:
            there.update(taken_down_at=Now())


@dataclass(frozen=True, slots=True)
class Parcel:
    correction: Correction
    reached: Reached
    draft: Draft
    remote_id: str


def load(ids: Sequence[int], reach: Reach) -> Mapping[int, Parcel | NetworkError]:
    rows = list(Correction.objects.filter(pk__in=ids).select_related("publication__variant", "channel"))
    reached = reach.to(row.channel_id for row in rows)
    return {row.pk: _parcel(row, reached[row.channel_id]) for row in rows}


async def send(parcel: Parcel) -> Published:
    network, access = parcel.reached.network, parcel.reached.access
    if parcel.correction.kind == "edit":
        return await network.edit(access, parcel.remote_id, parcel.draft)  # type: ignore[attr-defined]
    return await network.delete(access, parcel.remote_id)  # type: ignore[attr-defined]


async def look(parcel: Parcel) -> Published | Unsure | None:
    network, access = parcel.reached.network, parcel.reached.access
    if parcel.correction.kind == "edit":
        return await network.find_edited(access, parcel.remote_id, parcel.draft)  # type: ignore[attr-defined]
    return await network.find_deleted(access, parcel.remote_id)  # type: ignore[attr-defined]


def settled(rows: Sequence[Settled]) -> None:
    if done := [row.id for row in rows if row.state == "done"]:
        _carry_out(done)
    events = {row.id: row for row in rows if row.state in TELLS}
    found = Correction.objects.filter(pk__in=events).select_related("publication__variant", "answerable")
    for correction in found:
        row = events[correction.pk]
        audit.record(None, TELLS[row.state], correction.publication, kind=correction.kind, **told(row))
        if row.state == "failed":
            text = f"“{str(correction.publication)[:80]}” was not changed over there. {row.reason}"[:300]
            notifying.notify(
                correction.answerable, TELLS["failed"], text, f"/publications/{correction.publication_id}/"
            )
    learnt(rows)


def _parcel(row: Correction, reached: Reached | NetworkError) -> Parcel | NetworkError:
    if isinstance(reached, NetworkError):
        return reached
    if refused := reached.lacks(NEEDS[row.kind]):
        return refused
    draft = Draft(row.text, row.publication.variant.placement, row.channel.language, row.due_at)
    return Parcel(row, reached, draft, row.publication.remote_id)


def _looking(parcel: Parcel) -> Looking:
    """By the post's own id: one look tells."""
    return Looking(absences=1, settle=parcel.reached.network.settle_seconds * settings.PACE)


def _refusals() -> list[Refusal]:
    """A hold stops edits. It does not stop taking down: in a crisis that is what people do."""
    held = Exists(Publication.objects.filter(queries.is_held(), pk=OuterRef("publication")))
    approved = Q(approval__state="approved", approval__revision__hash=F("content_hash"))
    return [
        Refusal("held", "A hold stands over it.", Q(kind="edit") & Q(held), stops=True),
        *refusals("publish"),
        Refusal("blocked", "Its text is not what is approved any more.", Q(kind="edit") & ~approved),
    ]


LANE = Lane(
    name="correct", model=Correction, attempts=CorrectionAttempt, places=PLACES, refusals=_refusals(),
    waits=budgets.waits("channel"), client=client(PLACES), load=load, send=send, look=look, looking=_looking,
    errors=ERRORS, revive=revive, settled=settled,
)  # fmt: skip
