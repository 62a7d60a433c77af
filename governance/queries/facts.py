"""What a reviewer has to know of a door to decide about it, read for a whole page of items at once.

Use is what Socialops sees: what went out, was answered, approved or written in the person's name on that channel, and
for a right to look the last sign-in. What is done on a network's own page is not seen, and said to be unknown.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import connection
from django.db.models import OuterRef, Q, Subquery

from accounts.models import Absence, Departure, Person
from accounts.queries import quiet_to
from channels_registry.models import AccessGrant
from channels_registry.models.access_grant import RIGHTS, Door
from governance.models import ReviewItem

SOURCE = AccessGrant.Source
RIGHT_WORDS = {
    "see": "see the channel", "draft": "write drafts", "approve": "approve posts", "publish": "publish and schedule",
    "answer": "answer customers", "manage": "decide who has access, and connect it",
}  # fmt: skip
DOOR_WORDS = {
    Door.ROLE: "Acts on the network’s own pages. No approval here applies to what is done there.",
    Door.APP_PASSWORD: "Any program that knows it acts as the channel, without a second factor.",
    Door.SHARED_LOGIN: "Knows a password that several people share. Nobody can tell afterwards who used it.",
    Door.APP: "This program acts on the channel for as long as it stays attached.",
    Door.INVITATION: "Whoever takes it up gets in.",
    Door.SESSION: "A browser that is signed in, without asking for a password again.",
    Door.RECOVERY: "Can have the password reset, and so take the whole channel over.",
    Door.TOOL_SEAT: "Reaches the channel through another tool, past this one.",
}


@dataclass(frozen=True)
class Facts:
    """`used` None with `seen` means never; without `seen` nothing here can tell."""

    level: str  # what it lets them do, in plain words
    seen: bool
    used: datetime | None
    signed_in: datetime | None
    team: int  # colleagues in the teams of who has it
    same: int  # of these, who have the same on this channel
    drift: str
    left_at: datetime | None
    away_until: datetime | None
    ended_at: datetime | None  # the door was shut since

    @property
    def never_used(self) -> bool:
        return self.seen and self.used is None


@dataclass(frozen=True)
class Presence:
    signed_in: datetime | None
    left_at: datetime | None
    away_until: datetime | None


def facts_of(items: Sequence[ReviewItem]) -> dict[int, Facts]:
    """By the item's id. Four queries, however many items. They need `grant` selected."""
    acts, people, peers, twins = _acts(items), _people(items), _peers(items), _twins(items)
    return {
        item.pk: Facts(
            level=level_words(item),
            seen=_seen(item),
            used=_used(item, acts.get(item.pk), people[item.person_id].signed_in),
            signed_in=people[item.person_id].signed_in,
            team=peers.get(item.pk, (0, 0))[0],
            same=peers.get(item.pk, (0, 0))[1],
            drift=_drift(item, twins),
            left_at=people[item.person_id].left_at,
            away_until=people[item.person_id].away_until,
            ended_at=item.grant.revoked_at,
        )
        for item in items
    }


def never_used(items: Sequence[ReviewItem]) -> set[int]:
    """Ids of those of whose use we would know, and there was none. Two queries."""
    acts, people = _acts(items), _people(items)
    return {
        item.pk for item in items
        if _seen(item) and _used(item, acts.get(item.pk), people[item.person_id].signed_in) is None
    }  # fmt: skip


def level_words(item: ReviewItem) -> str:
    """“Can write drafts, publish and schedule.”"""
    if item.door != Door.RIGHT:
        return DOOR_WORDS[Door(item.door)]
    rights = [RIGHT_WORDS[right] for right in RIGHTS.get(item.entitlement, ()) if right != "see"]
    return f"Can {', '.join(rights)}." if rights else "Can see the channel, and change nothing."


def _seen(item: ReviewItem) -> bool:
    return item.door == Door.RIGHT and item.person_id is not None


def _used(item: ReviewItem, acted: datetime | None, signed_in: datetime | None) -> datetime | None:
    if not _seen(item):
        return None
    return signed_in if item.entitlement == "viewer" else acted


def _acts(items: Sequence[ReviewItem]) -> dict[int, datetime | None]:
    """The last thing done in their name on the channel."""
    pks = [item.pk for item in items if _seen(item) and item.entitlement != "viewer"]
    if not pks:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(_LAST_ACT, [pks])
        return dict(cursor.fetchall())


def _people(items: Sequence[ReviewItem]) -> dict[int | None, Presence]:
    """Of everybody who has one of these doors, and of nobody (None)."""
    gone = Departure.objects.filter(person=OuterRef("pk"), withdrawn_at=None, returned_at=None)
    gone = gone.exclude(pk__in=quiet_to(None).values("pk"))  # whoever reviews need not know of it yet
    away = Absence.objects.now().filter(person=OuterRef("pk")).order_by("-ends_at")
    rows = Person.objects.filter(pk__in={item.person_id for item in items if item.person_id}).annotate(
        left_at=Subquery(gone.values("at")[:1]), away_until=Subquery(away.values("ends_at")[:1])
    )
    found = rows.values_list("pk", "user__last_login", "left_at", "away_until")
    return {None: Presence(None, None, None)} | {pk: Presence(*each) for pk, *each in found}


def _peers(items: Sequence[ReviewItem]) -> dict[int, tuple[int, int]]:
    """(colleagues in the same teams, of these with the same door and level on this channel)."""
    if not any(item.person_id for item in items):
        return {}
    with connection.cursor() as cursor:
        cursor.execute(_PEERS, [[item.pk for item in items if item.person_id]])
        return {pk: (team, same) for pk, team, same in cursor.fetchall()}


def _twins(items: Sequence[ReviewItem]) -> set[tuple[int, int, str, str]]:
    """What stands of these people on these channels, by where we know it from."""
    native = [item for item in items if item.door != Door.RIGHT and item.person_id]
    if not native:
        return set()
    standing = AccessGrant.objects.standing().filter(
        Q(person__in={item.person_id for item in native}) & Q(channel__in={item.channel_id for item in native})
    )
    return set(standing.values_list("person_id", "channel_id", "door", "source"))


def _drift(item: ReviewItem, twins: set[tuple[int, int, str, str]]) -> str:
    if item.door == Door.RIGHT:
        return ""
    if item.person_id is None:
        return "Nobody has said whose this is."
    there = (item.person_id, item.channel_id, item.door)
    if item.source == SOURCE.OBSERVED and (*there, SOURCE.DECLARED) not in twins:
        return "Found on the network; nobody here ever declared it."
    if item.source == SOURCE.DECLARED and item.proven_at is None and (*there, SOURCE.OBSERVED) not in twins:
        return "Declared here; it was never seen on the network."
    return ""


_LAST_ACT = """
SELECT i.id, greatest(
    (SELECT max(x.settled_at) FROM publishing_publication x
        WHERE x.answerable_id = i.person_id AND x.channel_id = i.channel_id AND x.state = 'done'),
    (SELECT max(x.settled_at) FROM inbox_reply x
        WHERE x.answerable_id = i.person_id AND x.channel_id = i.channel_id AND x.state = 'done'),
    (SELECT max(x.at) FROM publishing_decision x JOIN publishing_approval a ON a.id = x.approval_id
        JOIN publishing_variant v ON v.post_id = a.post_id
        WHERE x.by_id = i.person_id AND v.channel_id = i.channel_id),
    (SELECT max(x.at) FROM publishing_revision x JOIN publishing_variant v ON v.post_id = x.post_id
        WHERE x.by_id = i.person_id AND v.channel_id = i.channel_id))
FROM governance_reviewitem i WHERE i.id = ANY(%s)
"""

_PEERS = """
SELECT i.id, count(DISTINCT other.person_id),
    count(DISTINCT other.person_id) FILTER (WHERE EXISTS (
        SELECT FROM channels_registry_accessgrant g
        WHERE g.channel_id = i.channel_id AND g.door = i.door AND g.revoked_at IS NULL
            AND g.entitlement = i.entitlement AND g.person_id = other.person_id
            AND (g.expires_at IS NULL OR g.expires_at > statement_timestamp())))
FROM governance_reviewitem i
JOIN accounts_teammembership mine ON mine.person_id = i.person_id
JOIN accounts_teammembership other ON other.team_id = mine.team_id AND other.person_id <> i.person_id
WHERE i.id = ANY(%s) GROUP BY i.id
"""
