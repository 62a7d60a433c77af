"""What networks show against what is declared here: findings, and what people decide about each.

level           brings the findings in line with the ledger; what is gone settles by itself. Level-triggered.
theirs          the door is that person's, at this level: put on record
service         nobody's: a program
not_held        it was declared, and they do not have it
shut            the same revocation as everywhere
accept          leave it until a date, with a reason; never the holder's own decision
ask             whoever owns the channel is asked
"""

from datetime import datetime, timedelta

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.db.models.functions import Now

from accounts import audit, notifying
from accounts.models import Person
from channels_registry import access, observing, revoking
from channels_registry.models import Channel, Finding
from channels_registry.models.access_grant import Door
from channels_registry.queries import findings as queries
from socialops.lib import turns
from socialops.lib.wall_clock import database_now

audit.register("finding.found", "found that a network and the record do not agree")
audit.register("finding.decided", "decided what to do about a finding")
audit.register("finding.asked", "asked the owner of a channel about a finding")
audit.register("finding.gone", "saw a finding go away by itself")

LONGEST = timedelta(days=180)  # for which a finding may be left alone
Kind, State, Outcome = Finding.Kind, Finding.State, Finding.Outcome


def level() -> tuple[int, int]:
    """(found, settled by themselves). One process at a time; a second one returns at once."""
    with turns.only_one("level findings") as mine:
        return _level() if mine else (0, 0)


@transaction.atomic
def theirs(finding: Finding, by: Person, person: Person, reason: str) -> Finding:
    """It is this person's: their identity over there, or the level that they have."""
    finding = _open(finding, by)
    if person == by:
        raise PermissionDenied("Somebody else has to put your own door on record.")
    if finding.kind == Kind.UNKNOWN and finding.grant.identity:
        observing.decide(finding.grant.identity, person, by)
    elif finding.kind in (Kind.LEVEL, Kind.EXPIRED) and person.pk == finding.grant.person_id:
        grant = finding.grant
        if finding.declared and finding.kind == Kind.LEVEL:
            access.end(finding.declared, by, f"The network shows {grant.entitlement}.")
        access.grant(finding.channel, person, grant.entitlement, by, reason, door=grant.door, label=grant.label)
    else:
        raise ValidationError("This is not the question here. Have it shut, or accept it until a date.")
    return _settle(finding, by, Outcome.THEIRS, reason)


@transaction.atomic
def service(finding: Finding, by: Person, reason: str) -> Finding:
    """A program that nobody holds."""
    finding = _open(finding, by)
    if finding.kind != Kind.UNKNOWN or not finding.grant.identity:
        raise ValidationError("Somebody holds this door, so it is no service.")
    observing.decide(finding.grant.identity, None, by)
    return _settle(finding, by, Outcome.SERVICE, reason)


@transaction.atomic
def not_held(finding: Finding, by: Person, reason: str) -> Finding:
    """It was declared, and the network does not have it."""
    finding = _open(finding, by)
    if finding.kind != Kind.MISSING:
        raise ValidationError("The network shows this door. Have it shut.")
    access.end(finding.grant, by, reason or "It is not on the network’s list.")
    return _settle(finding, by, Outcome.NOT_HELD, reason)


@transaction.atomic
def shut(finding: Finding, by: Person, reason: str) -> Finding:
    """By the engine of all revocations. The finding stays in sight until the door is proven shut."""
    finding = _open(finding, by, own=True)
    if finding.kind == Kind.MISSING:
        raise ValidationError("The network does not show it, so there is nothing to shut. Take it off the record.")
    revoking.request_revocation(finding.grant, by, reason)
    finding.state, finding.outcome = State.IN_HAND, Outcome.REVOKED
    return _decided(finding, by, reason)


@transaction.atomic
def accept(finding: Finding, by: Person, until: datetime, reason: str) -> Finding:
    """It may stay so until then; after that it is asked again."""
    finding = _open(finding, by)
    if not reason.strip():
        raise ValidationError({"reason": "Say why it may stay."})
    if not database_now() < until <= database_now() + LONGEST:
        raise ValidationError({"until": f"Choose a date that lies ahead, within {LONGEST.days} days."})
    finding.state, finding.outcome, finding.accepted_until = State.ACCEPTED, Outcome.ACCEPTED, until
    return _decided(finding, by, reason, until=until.isoformat())


@transaction.atomic
def ask(finding: Finding, by: Person) -> Finding:
    """Whoever owns the channel is told, by mail as well; the backup where it is the owner's own door."""
    finding = _open(finding, by, own=True)
    channel = finding.channel
    owners = [each for each in (channel.owner, channel.backup_owner) if each and each.pk != finding.grant.person_id]
    if not owners:
        raise ValidationError("Nobody else answers for this channel. Name a backup first.")
    finding.asked_by, finding.asked_at = by, Now()
    finding.save(update_fields=["asked_by", "asked_at"])
    text = f"{by} asks about a door of {channel.name}: {finding.get_kind_display().lower()}, {_whose(finding)}."
    notifying.notify(owners[0], "finding.asked", text[:300], f"/findings/{finding.pk}/", mail=True)
    audit.record(by, "finding.asked", finding, channel=channel.pk, asked=owners[0].pk)
    return finding


def may_decide(finding: Finding, by: Person, *, own: bool = False) -> bool:
    """Who manages the channel, and administrators. Of their own door people may say that it is to be shut, no more."""
    if not own and finding.grant.person_id == by.pk:
        return False
    return queries.decided_by(by).filter(pk=finding.channel_id).exists()


@transaction.atomic
def _level() -> tuple[int, int]:
    wanted = {(kind, grant): (channel, twin) for kind, channel, grant, twin in queries.drift()}
    known = {(row.kind, row.grant_id): row for row in Finding.objects.exclude(state=State.SETTLED)}
    new = [
        Finding(kind=kind, grant_id=grant, channel_id=wanted[kind, grant][0], declared_id=wanted[kind, grant][1],
                found_at=database_now())
        for kind, grant in sorted(wanted.keys() - known.keys())
    ]  # fmt: skip
    made = Finding.objects.bulk_create(new, batch_size=1000)
    gone = [row for key, row in known.items() if key not in wanted and not _still_being_shut(row)]
    ids = [row.pk for row in gone]
    rows = Finding.objects.filter(pk__in=ids)
    rows.filter(state=State.OPEN).update(outcome=Outcome.GONE)
    rows.update(state=State.SETTLED, settled_at=Now())
    back = Finding.objects.filter(pk__in=[row.pk for key, row in known.items() if key in wanted])
    back.filter(state=State.ACCEPTED, accepted_until__lte=Now()).update(state=State.OPEN, outcome="")
    back.filter(state=State.IN_HAND).update(state=State.OPEN, outcome="")
    audit.record_many((None, "finding.found", each, _told(each)) for each in _with_names(made))
    audit.record_many((None, "finding.gone", each, _told(each)) for each in _with_names(gone))
    return len(made), len(gone)


def _still_being_shut(row: Finding) -> bool:
    """While its revocation runs it is no drift, and not settled either."""
    if row.state != State.IN_HAND:
        return False
    open_ones = row.grant.revocations.exclude(state="cancelled").exclude(stage="verified")
    return row.grant.revoked_at is None and open_ones.exists()


def _with_names(rows: list[Finding]) -> list[Finding]:
    return list(
        Finding.objects.filter(pk__in=[row.pk for row in rows]).select_related("grant__channel", "grant__person")
    )


def _open(finding: Finding, by: Person, *, own: bool = False) -> Finding:
    """Locked, for somebody who may decide it. The channel's lock comes first, as everywhere."""
    Channel.objects.select_for_update().get(pk=finding.channel_id)
    finding = Finding.objects.select_for_update(of=("self",)).get(pk=finding.pk)
    if not may_decide(finding, by, own=own):
        raise PermissionDenied("Whoever manages the channel, or an administrator, decides; never of their own door.")
    if finding.state not in (State.OPEN, State.ACCEPTED):
        raise ValidationError("This is settled, or being shut.")
    return finding


def _settle(finding: Finding, by: Person, outcome: str, reason: str) -> Finding:
    finding.state, finding.outcome, finding.settled_at = State.SETTLED, outcome, Now()
    return _decided(finding, by, reason)


def _decided(finding: Finding, by: Person, reason: str, **told: str) -> Finding:
    finding.decided_by, finding.decided_at, finding.reason = by, Now(), reason.strip()[:300]
    finding.save()
    audit.record(by, "finding.decided", finding, **_told(finding), outcome=str(finding.outcome), reason=reason, **told)
    return finding


def _told(finding: Finding) -> dict:
    grant = finding.grant
    return {
        "channel": finding.channel_id, "kind": str(finding.kind), "grant": finding.grant_id, "person": grant.person_id,
        "door": str(Door(grant.door)), "entitlement": grant.entitlement,
    }  # fmt: skip


def _whose(finding: Finding) -> str:
    grant = finding.grant
    return str(grant.person or grant.identity or grant.label or grant.get_door_display())
