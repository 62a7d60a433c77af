"""What stands in a pack: the kinds there are, and the tables, events, facts and findings of each.

Tables are read row by row from the database, in the transaction of whoever asks.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db.models import CharField, Q, QuerySet
from django.db.models.fields.files import FieldFile
from django.db.models.functions import Cast

from accounts.models import AuditEvent, Departure, Person
from accounts.queries import audible, quiet_to
from channels_registry.models import AccessGrant, Channel
from governance.models import AccessReview, CaseDoor, OffboardingCase, RiskAcceptance
from governance.queries import pack_rows
from governance.queries.cases import SHUT_WITHIN, doors_outside, grades, population, reach, trail

CHUNK = 2000


@dataclass(frozen=True)
class Table:
    """`read` begins anew each time. `about` says what one row is."""

    name: str
    about: str
    columns: tuple[str, ...]
    count: int
    read: Callable[[], Iterable[tuple]]


@dataclass
class Contents:
    facts: list[tuple[str, Any]]
    population: dict[str, int]
    tables: list[Table]
    events: QuerySet[AuditEvent]
    findings: list[str] = field(default_factory=list)
    grades: dict[str, int] = field(default_factory=dict)
    files: list[tuple[str, FieldFile]] = field(default_factory=list)


@dataclass(frozen=True)
class Kind:
    """`asks` names what of the scope it needs. `title` and `contents` take the scope; contents the moment too."""

    slug: str
    label: str
    asks: tuple[str, ...]
    title: Callable[[dict], str]
    contents: Callable[[dict, datetime], Contents]


KINDS: dict[str, Kind] = {}


def register(kind: Kind) -> Kind:
    KINDS[kind.slug] = kind
    return kind


def _table(name: str, about: str, columns: tuple[str, ...], rows: QuerySet, row: Callable, *values: str) -> Table:
    def read() -> Iterator[tuple]:
        found = rows.values_list(*values) if values else rows
        return map(row, found.iterator(CHUNK))

    return Table(name, about, columns, rows.count(), read)


def _grants(grants: QuerySet[AccessGrant]) -> Table:
    grants = grants.order_by("channel__name", "channel__handle", "person__name", "door", "pk")
    about = "One row a door: who can reach which channel by it, since when, and by whose decision."
    return _table("access", about, pack_rows.GRANT_COLUMNS, grants, pack_rows.grant, *pack_rows.GRANT_VALUES)


def _doors(doors: QuerySet[CaseDoor]) -> Table:
    doors = doors.order_by("case_id", "revocation__order", "revocation__grant__channel__name", "pk")
    about = "One row a door that a departure had to see shut, with its grade of proof."
    return _table("doors", about, pack_rows.DOOR_COLUMNS, doors, pack_rows.door, *pack_rows.DOOR_VALUES)


def _people(people: QuerySet[Person]) -> Table:
    about = "One row a person of record."
    return _table("people", about, pack_rows.PERSON_COLUMNS, people.order_by("pk"), pack_rows.plain,
                  *pack_rows.PERSON_VALUES)  # fmt: skip


def _departures(departures: QuerySet[Departure]) -> Table:
    about = "One row a departure: from its minute on nothing here opened to that person."
    return _table("departures", about, pack_rows.DEPARTURE_COLUMNS, departures.order_by("at", "pk"), pack_rows.plain,
                  *pack_rows.DEPARTURE_VALUES)  # fmt: skip


def _cases(rows: QuerySet[OffboardingCase]) -> Table:
    about = "One row an offboarding, from its opening to its close."
    return _table("cases", about, pack_rows.CASE_COLUMNS, rows.order_by("pk"), pack_rows.plain, *pack_rows.CASE_VALUES)


def _acceptances(rows: QuerySet[RiskAcceptance]) -> Table:
    about = "One row a door that cannot be proven shut: who asked, and who accepted the risk by name."
    return _table("acceptances", about, pack_rows.ACCEPTANCE_COLUMNS, rows.order_by("pk"), pack_rows.plain,
                  *pack_rows.ACCEPTANCE_VALUES)  # fmt: skip


# --- the kinds --------------------------------------------------------------------------------------------------------


def _access(scope: dict, moment: datetime) -> Contents:
    grants = reach(moment)
    table = _grants(grants)
    return Contents(
        facts=[("Speaks of", moment)],
        population={"grants": table.count, **population(moment)},
        tables=[table],
        events=AuditEvent.objects.none(),
        findings=_open_to_leavers(grants, moment),
    )


def _case(scope: dict, moment: datetime) -> Contents:
    case = OffboardingCase.objects.select_related("person", "departure", "owner", "closed_by").get(pk=scope["case"])
    doors = CaseDoor.objects.filter(case=case)
    graded = dict(grades(case))
    facts = [
        ("Person", f"{case.person.name}, {case.person.email}"), ("Departure", case.departure.at),
        ("Said as", f"{case.departure.reason or 'no reason recorded'}; {case.departure.time_zone}"),
        ("State", case.get_state_display()), ("Owner", case.owner.name if case.owner else "nobody"),
        ("Doors begun to be shut", case.swept_at or "not yet"),
        ("Closed", f"{case.closed_at:%Y-%m-%d %H:%M %Z} by {case.closed_by}" if case.closed_at else "not yet"),
    ]  # fmt: skip
    tables = [_doors(doors), _departures(Departure.objects.filter(pk=case.departure_id)),
              _acceptances(RiskAcceptance.objects.filter(door__case=case))]  # fmt: skip
    return Contents(
        facts=facts, population={"doors": tables[0].count}, tables=tables, events=trail(case),
        findings=_of_case(case, doors), grades=graded, files=list(_evidence_files(doors)),
    )  # fmt: skip


def _person(scope: dict, moment: datetime) -> Contents:
    person = Person.objects.get(pk=scope["person"])
    grants = AccessGrant.objects.filter(person=person, starts_at__lte=moment)
    table, mine = _grants(grants), OffboardingCase.objects.filter(person=person)
    doors = CaseDoor.objects.filter(case__in=mine)
    return Contents(
        facts=[("Person", f"{person.name}, {person.email}"), ("On record since", person.created_at),
               ("Can reach now", f"{reach(moment).filter(person=person).count()} doors")],
        population={"doors ever": table.count, "offboardings": mine.count()},
        tables=[table, _departures(_told(person.departures.all())), _cases(mine), _doors(doors)],
        events=audible(AuditEvent.objects.filter(_of_person(person))),
        findings=_open_to_leavers(reach(moment).filter(person=person), moment),
        files=list(_evidence_files(doors)),
    )  # fmt: skip


def _channel(scope: dict, moment: datetime) -> Contents:
    channel = Channel.objects.select_related("owner", "backup_owner").get(pk=scope["channel"])
    grants = AccessGrant.objects.filter(channel=channel, starts_at__lte=moment)
    table, standing = _grants(grants), reach(moment).filter(channel=channel)
    doors = CaseDoor.objects.filter(revocation__grant__channel=channel)
    backup = channel.backup_owner.name if channel.backup_owner else "nobody"
    return Contents(
        facts=[("Channel", f"{channel.name}, {channel.handle}"), ("Network", channel.network),
               ("Risk tier", channel.get_risk_tier_display()), ("Owner", channel.owner.name), ("Backup", backup),
               ("Open now", f"{standing.count()} doors")],
        population={"doors ever": table.count},
        tables=[table, _doors(doors)],
        events=audible(AuditEvent.objects.filter(_of_channel(channel))),
        findings=[*_open_to_leavers(standing, moment), *([] if channel.backup_owner else ["It has no backup owner."])],
    )  # fmt: skip


def _period(scope: dict, moment: datetime) -> Contents:
    first, last = (datetime.fromisoformat(scope[name]) for name in ("first", "last"))
    stood = Q(starts_at__lt=last) & (Q(revoked_at=None) | Q(revoked_at__gte=first))
    table = _grants(AccessGrant.objects.filter(stood))
    opened = OffboardingCase.objects.filter(opened_at__lt=last).filter(Q(closed_at=None) | Q(closed_at__gte=first))
    departures = _told(Departure.objects.filter(at__gte=first, at__lt=last))
    doors = CaseDoor.objects.filter(case__in=opened)
    people = Person.objects.filter(created_at__lt=last)
    return Contents(
        facts=[("From", first), ("Until", last)],
        population={"doors that stood": table.count, "departures": departures.count(), "offboardings": opened.count(),
                    "people": people.count(), "channels": Channel.objects.filter(created_at__lt=last).count()},
        tables=[table, _people(people), _departures(departures), _cases(opened), _doors(doors),
                _acceptances(RiskAcceptance.objects.filter(door__case__in=opened))],
        events=audible(AuditEvent.objects.filter(at__gte=first, at__lt=last)),
        findings=_open_to_leavers(reach(min(last, moment)), min(last, moment)),
    )  # fmt: skip


def _told(departures: QuerySet[Departure]) -> QuerySet[Departure]:
    """Without those that are quiet: a pack is for whoever may open packs, not for those who were told."""
    return departures.exclude(pk__in=quiet_to(None).values("pk"))


def _review(scope: dict, moment: datetime) -> Contents:
    review = AccessReview.objects.select_related("opened_by", "attestation__by").get(pk=scope["review"])
    items = review.items.order_by("channel_name", "holder", "pk")
    about = "One row a door of the frozen population: who decided what about it, why, and in how many seconds."
    table = _table("decisions", about, pack_rows.ITEM_COLUMNS, items, pack_rows.plain, *pack_rows.ITEM_VALUES)
    signed = getattr(review, "attestation", None)
    states = Counter(items.order_by().values_list("state", flat=True))
    facts = [
        ("Review", review.name), ("State", review.get_state_display()), ("Opened by", review.opened_by.name),
        ("Population frozen at", review.opened_at), ("Due", review.due_at),
        ("Signed off", f"{signed.at:%Y-%m-%d %H:%M %Z} by {signed.by}: {signed.statement}" if signed else "not yet"),
        ("Population’s SHA-256", review.population_sha256 or "not yet"),
        ("Decisions’ SHA-256", signed.decisions_sha256 if signed else "not yet"),
    ]  # fmt: skip
    said = [
        (items.filter(state="open"), "are not decided yet"), (items.filter(lapsed=True), "were revoked by silence"),
        (items.filter(seconds__lt=3, many=False), "were decided in less than three seconds"),
        (items.filter(many=True), "were decided together with others"),
        (items.filter(state="revoked").exclude(revocation__stage="verified"), "were revoked and are not proven shut"),
    ]  # fmt: skip
    return Contents(
        facts=facts, population={"doors": table.count, **dict(sorted(states.items()))},
        tables=[table], events=AuditEvent.objects.filter(_of_review(review)),
        findings=[f"{count} doors {words}." for rows, words in said if (count := rows.count())],
    )  # fmt: skip


def _of_review(review: AccessReview) -> Q:
    items = review.items.order_by().values(key=Cast("pk", CharField()))
    own = Q(subject_type="accessreview", subject_id=str(review.pk))
    return own | Q(subject_type="reviewitem", subject_id__in=items)


def _of_person(person: Person) -> Q:
    grants = AccessGrant.objects.filter(person=person).values_list("pk", flat=True)
    own = Q(subject_type="accessgrant", subject_id__in=[str(pk) for pk in grants])
    return Q(actor=person) | Q(subject_type="person", subject_id=str(person.pk)) | own


def _of_channel(channel: Channel) -> Q:
    keys = {
        "accessgrant": channel.grants.values_list("pk", flat=True),
        "revocation": channel.grants.filter(revocations__isnull=False).values_list("revocations", flat=True),
        "connection": channel.connections.values_list("pk", flat=True),
    }
    found = Q(subject_type="channel", subject_id=str(channel.pk))
    for name, pks in keys.items():
        found |= Q(subject_type=name, subject_id__in=[str(pk) for pk in pks])
    return found


def _open_to_leavers(grants: QuerySet[AccessGrant], moment: datetime) -> list[str]:
    gone = Departure.objects.filter(withdrawn_at=None, returned_at=None, at__lte=moment).values("person")
    count = grants.filter(person__in=gone).count()
    unproven = grants.filter(last_proven_at=None).exclude(door="right").count()
    said = [f"{count} doors stand open to people who have left."] if count else []
    return said + ([f"{unproven} doors outside Socialops were never seen on the network."] if unproven else [])


def _of_case(case: OffboardingCase, doors: QuerySet[CaseDoor]) -> list[str]:
    late = case.departure.at + SHUT_WITHIN
    said = [
        (doors.exclude(revocation__stage="verified").exclude(revocation__state="cancelled"), "are not proven shut"),
        (doors.filter(revocation__proof="not_provable"), "are not provable"),
        (doors.filter(revocation__proof="not_provable", acceptance__accepted_by=None),
         "are not provable, and nobody has accepted the risk"),
        (doors.filter(revocation__verified_at__gt=late), "were proven shut later than 24 hours after the departure"),
        (doors.exclude(revocation__residual=""), "left something that may live on; see the column “residual”"),
        (doors.filter(revocation__state="cancelled"), "were left open on purpose"),
    ]  # fmt: skip
    found = [f"{count} doors {words}." for rows, words in said if (count := rows.count())]
    return found + [f"{count} doors stand open outside this case." for count in [doors_outside(case).count()] if count]


def _evidence_files(doors: QuerySet[CaseDoor]) -> Iterator[tuple[str, FieldFile]]:
    for door in doors.exclude(revocation__evidence_file="").select_related("revocation").order_by("pk"):
        revocation = door.revocation
        yield f"evidence/{revocation.pk}-{revocation.evidence_file.name.rsplit('/', 1)[-1]}", revocation.evidence_file


def named(what: str, words: str) -> list[int]:
    """The ids (at most two) of what is called so: the person of a case, a person, a channel, or their id as “#4”."""
    if words.startswith("#") and words[1:].isdecimal() and len(words) < 19:
        return list(objects_of(what).filter(pk=int(words[1:])).values_list("pk", flat=True))
    person = "person__" if what == "case" else ""
    exact = {"channel": ("handle", "name"), "review": ("name",)}.get(what, ("email", "name"))
    for field_ in exact:
        found = list(objects_of(what).filter(**{f"{person}{field_}__iexact": words}).values_list("pk", flat=True)[:2])
        if found:
            return found
    return []


def objects_of(what: str) -> QuerySet:
    return {"case": OffboardingCase, "person": Person, "channel": Channel, "review": AccessReview}[
        what
    ].objects.order_by("-pk")


def _case_title(scope: dict) -> str:
    return f"Offboarding of {OffboardingCase.objects.values_list('person__name', flat=True).get(pk=scope['case'])}"


register(Kind("access", "Who could reach what", ("at",), lambda scope: "Who could reach what", _access))
register(Kind("offboarding", "An offboarding case", ("case",), _case_title, _case))
register(
    Kind("review", "An access review", ("review",),
         lambda scope: f"Review: {AccessReview.objects.get(pk=scope['review'])}", _review)
)  # fmt: skip
register(
    Kind(
        "person", "A person", ("person",), lambda scope: f"Access of {Person.objects.get(pk=scope['person'])}", _person
    )
)
register(
    Kind(
        "channel",
        "A channel",
        ("channel",),
        lambda scope: f"Access to {Channel.objects.get(pk=scope['channel'])}",
        _channel,
    )
)
register(Kind("period", "A period", ("first", "last"),
              lambda scope: f"Access from {scope['first'][:10]} to {scope['last'][:10]}", _period))  # fmt: skip
