"""What the register itself waits for: single administrators, overdue records, impostors, proposed channels."""

from datetime import datetime
from typing import Any, NamedTuple

from django.db.models import CharField, DateTimeField, F, Q, QuerySet, Value
from django.db.models.functions import Cast, Substr
from django.urls import reverse
from django.utils import timezone

from accounts.models import Person, Role
from accounts.permissions import role_exists
from channels_registry.health import date_words
from channels_registry.models import Channel, ChannelProposal, ImpostorReport
from channels_registry.queries.administrators import with_one_administrator
from channels_registry.queries.impostors import OPEN, TRIAGES
from channels_registry.queries.lifecycle import DECIDERS
from socialops.lib.tags import network_name
from socialops.lib.waiting import Kind, Waiting

SHOWN = 50
VERBS = {"reported": "Look at it", "impostor": "Have it taken down", "rogue": "Adopt it or close it"}


class Row(NamedTuple):
    """One line of the union: what it is, of which row, its name, more words, its clock."""

    kind: str
    pk: int
    name: str
    more: str
    at: datetime | None


def register_waiting(person: Person, mine: QuerySet[Channel]) -> list[Waiting]:
    """`mine`: the channels this person answers for. One query, and one where there are more than fifty of a kind."""
    alone = with_one_administrator(mine)
    overdue = mine.filter(review_due__lt=timezone.localdate())
    fakes = ImpostorReport.objects.filter(
        Q(owner=person) | Q(role_exists(person, *TRIAGES), owner=None), state__in=OPEN
    )
    asked = Q(role_exists(person, *DECIDERS), state="asked") & ~Q(proposed_by=person)
    proposals = ChannelProposal.objects.filter(asked | Q(role_exists(person, Role.ADMIN), state="approved"))
    clock, none = DateTimeField(), Value(None, DateTimeField())
    lists = [
        _rows(alone.order_by("name", "pk"), Value("alone"), F("name"), F("handle"), none),
        _rows(overdue.order_by("review_due", "pk"), Value("overdue"), F("name"), Value(""), Cast("review_due", clock)),
        _rows(fakes.order_by("due_at", "pk"), F("state"), F("handle"), F("network"), F("due_at")),
        _rows(proposals.order_by("pk"), F("state"), F("channel__name"), F("why"), none),
    ]
    found = [Row(*each) for each in lists[0].union(*lists[1:], all=True)]
    more = {"alone": alone, "overdue": overdue}
    kinds = {kind: _kind(kind, _unread(found, kind, every)) for kind, every in more.items()}
    return [_waiting(row, kinds.get(row.kind)) for row in found]


def _rows(found: QuerySet, kind: Any, name: Any, more: Any, at: Any) -> QuerySet:
    text = CharField()
    said = {"line_kind": kind, "line_name": name, "line_more": Substr(Cast(more, text), 1, 300), "line_at": at}
    named = found.annotate(**{**said, "line_kind": Cast(kind, text), "line_name": Cast(name, text)})
    return named.values_list("line_kind", "pk", "line_name", "line_more", "line_at")[:SHOWN]


def _unread(found: list[Row], kind: str, every: QuerySet) -> int:
    return every.count() - SHOWN if sum(row.kind == kind for row in found) == SHOWN else 0


def _kind(kind: str, unread: int) -> Kind:
    """What many of them are folded into."""
    if kind == "alone":
        title, detail = "channels have a single administrator", "When that person leaves, nobody can get in."
        query = "admins=one"
    else:
        title = "records of channels are overdue for review"
        detail, query = "Look whether what stands in the register is still right.", "review=overdue"
    return Kind(title, detail, "See the channels", f"{reverse('channel_list')}?{query}&whose=mine", unread)


def _waiting(row: Row, kind: Kind | None) -> Waiting:
    if row.kind == "alone":
        return Waiting(
            row.name,
            f"There is one administrator at {row.more}. When they leave, nobody can get in.",
            reverse("channel", args=[row.pk]),
            "Open the channel",
            tone="risk",
            word="One admin",
            kind=kind,
        )
    if row.kind == "overdue" and row.at:
        detail = f"Somebody had to look whether it is still right by {date_words(row.at.date())}."
        url = reverse("channel_review", args=[row.pk])
        title = f"{row.name}: the record is overdue for review"
        return Waiting(title, detail, url, "Review it", word="Overdue", kind=kind)
    if row.kind in VERBS:
        title = f"{VERBS[row.kind]}: {row.name} on {network_name(row.more)}"
        url, tone = reverse("impostor", args=[row.pk]), "risk" if row.kind == "impostor" else "wait"
        word = "Impostor" if row.kind == "impostor" else "Reported"
        return Waiting(title, "It may speak as if it were us.", url, "Open it", row.at, tone=tone, word=word)
    url = reverse("channel_proposal", args=[row.pk])
    verb = "Decide on" if row.kind == "asked" else "Open"
    action = "Decide" if row.kind == "asked" else "Open it"
    return Waiting(f"{verb} a channel: {row.name}", row.more, url, action, word="Proposed")
