"""Webhooks out: what the trail says, told to the endpoints that asked for it. There is no other emit code.

Each app declares which of its events belong together, on which channels they stand, and what may be said of them
(<app>/announcing.py). What is not declared is told to nobody but those who read the whole trail, and only by its id.

Events are read in the order of their seals (accounts.chaining). Ids are given out before the commit, so a cursor over
ids would pass by what commits late; seals are given by one sealer to what is committed.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from django.conf import settings
from django.db import connection, models, transaction
from django.urls import NoReverseMatch, reverse

from accounts import audit
from accounts.models import AuditEvent, AuditSeal, DirectoryMatter, Person, Role, WebhookDelivery, WebhookEndpoint
from accounts.permissions import has_role, is_present
from socialops.lib.turns import safely
from socialops.lib.wall_clock import database_now

BATCH = 1000
EACH = 10  # requests at once to one endpoint, until one of them fails
KEEP = timedelta(days=3)  # for how long an event is worth telling
CARRIED = ("url", "due_at", "revision")  # of an event's data: never texts, reasons or addresses of people
COMPANY = (Role.ADMIN, Role.AUDITOR)  # who read the whole trail, and so what stands on no channel


@dataclass(frozen=True)
class Family:
    """Events that are chosen together. `nouns` is what stands before the dot of their actions."""

    key: str
    words: str
    nouns: tuple[str, ...]

    def actions(self) -> dict[str, str]:
        """Those there are, with the words a person reads, in order."""
        there = {action: words for action, words in audit.LABELS.items() if action.partition(".")[0] in self.nouns}
        return dict(sorted(there.items(), key=lambda item: (self.nouns.index(item[0].partition(".")[0]), item[0])))


@dataclass(frozen=True)
class Subject:
    """`channels`: the path from the model to the channels it stands on; "" for none. `label`: the path to what it may
    be called outside; None for what the trail calls it, "" for nothing. `where`: which of those channels count.
    """

    model: type[models.Model]
    channels: str = ""
    label: str | None = None
    where: models.Q = field(default_factory=models.Q)


@dataclass
class Places:
    """What this app does not know of channels; channels_registry says it."""

    seen_by: Callable[[Person], models.QuerySet] = field(default=lambda person: Person.objects.none())


FAMILIES: dict[str, Family] = {}
SUBJECTS: dict[str, Subject] = {}
PLACES = Places()


def declare(key: str, words: str, nouns: Iterable[str], subjects: Iterable[Subject] = ()) -> None:
    FAMILIES[key] = Family(key, words, tuple(nouns))
    SUBJECTS.update({str(subject.model._meta.model_name): subject for subject in subjects})


declare(
    "people",
    "People and sign-in",
    ("person", "role", "team", "absence", "invitation", "departure", "login", "token", "mail", "webhook",
     "directory", "directory_key", "directory_matter", "leave", "leaver_list"),
    [Subject(Person), Subject(WebhookEndpoint), Subject(DirectoryMatter, label="")],
)  # fmt: skip


def family_of(action: str) -> Family | None:
    noun = action.partition(".")[0]
    return next((family for family in FAMILIES.values() if noun in family.nouns), None)


def announce() -> int:
    """Tell every endpoint what is new to it, and let go what waits its turn. Returns how many events were told.

    It looks at what is, so a run that never came, or died halfway, costs nothing but time.
    """
    behind = _listening().filter(seq__lt=latest_seal())
    told = sum(safely(_catch_up, pk) or 0 for pk in behind.values_list("pk", flat=True))
    release(_listening().values_list("pk", flat=True))
    return told


def release(endpoints: Iterable[int]) -> int:
    """Let go what waits its turn there: as many as have room, one where the last one failed, none while it rests, is
    paused, or nobody answers for it."""
    able = _listening().exclude(answerable__in=Person.objects.departed()).filter(pk__in=set(endpoints))
    with connection.cursor() as cursor:
        cursor.execute(_RELEASE, [EACH, list(able.values_list("pk", flat=True))])
        return cursor.rowcount


def latest_seal() -> int:
    return AuditSeal.objects.aggregate(latest=models.Max("seq"))["latest"] or 0


def _listening() -> models.QuerySet[WebhookEndpoint]:
    return WebhookEndpoint.objects.filter(paused_at=None, ended_at=None).order_by("pk")


def _catch_up(pk: int) -> int:
    told = 0
    while (batch := _tell_next(pk)) is not None:
        told += batch
    return told


@transaction.atomic
def _tell_next(pk: int) -> int | None:
    """One batch; the cursor moves in the same transaction. None: nothing is left, or somebody else is at it.

    For an endpoint whose answerable person has left it stands still, until somebody else answers for it.
    """
    endpoint = _listening().select_for_update(skip_locked=True, of=("self",)).select_related("answerable")
    found = endpoint.filter(pk=pk).first()
    if found is None or not is_present(found.answerable):
        return None
    new = AuditEvent.objects.filter(seal__seq__gt=found.seq).select_related("seal").order_by("seal__seq")
    events = list(new[:BATCH])
    if not events:
        return None
    deliveries = _deliveries(found, [event for event in events if _wanted(found, event)])
    WebhookDelivery.objects.bulk_create(deliveries, ignore_conflicts=True)
    found.seq = events[-1].seal.seq
    found.save(update_fields=["seq"])
    return len(deliveries)


def _wanted(endpoint: WebhookEndpoint, event: AuditEvent) -> bool:
    """What is quiet (a departure that few know of) is told to nobody, before its minute or after."""
    if "quiet" in event.data:
        return False
    family = family_of(event.action)
    return event.at >= endpoint.since and (
        event.action in endpoint.events or (family is not None and family.key in endpoint.events)
    )


def _deliveries(endpoint: WebhookEndpoint, events: list[AuditEvent]) -> list[WebhookDelivery]:
    """For each event that the answerable person may see; what is said of channels ends where their sight does."""
    oldest = database_now() - KEEP
    stands, labels = _about(events)
    named = dict(PLACES.seen_by(endpoint.answerable).values_list("pk", "name"))
    chosen = set(endpoint.channels) or set(named)
    reads_all = not endpoint.channels and has_role(endpoint.answerable, *COMPANY)
    made = []
    for event in events:
        there = stands.get(event.pk, set())
        seen = sorted(there & chosen & named.keys())
        if event.at < oldest or not (seen or (reads_all and not there)):
            continue
        body = _body(event, labels.get(event.pk, ""), [{"id": pk, "name": named[pk]} for pk in seen])
        made.append(_delivery(endpoint, event, seen, body))
    return made


def _delivery(endpoint: WebhookEndpoint, event: AuditEvent, channels: list[int], body: str) -> WebhookDelivery:
    return WebhookDelivery(
        endpoint=endpoint, event=event, action=event.action, channels=channels, body=body, state="held",
        due_at=event.at, next_attempt_at=event.at, not_after=event.at + KEEP,
    )  # fmt: skip


def _about(events: list[AuditEvent]) -> tuple[dict[int, set[int]], dict[int, str]]:
    """On which channels each event stands, and what its subject may be called. One query a kind of subject."""
    stands: dict[int, set[int]] = {}
    labels: dict[int, str] = {}
    for kind in {event.subject_type for event in events} & SUBJECTS.keys():
        subject, same = SUBJECTS[kind], [event for event in events if event.subject_type == kind]
        rows = _rows(subject, {event.subject_id for event in same})
        for event in same:
            label, channels = rows.get(event.subject_id, ("", set()))
            stands[event.pk] = channels
            labels[event.pk] = event.subject_label if subject.label is None else label
    return stands, labels


def _rows(subject: Subject, ids: Iterable[str]) -> Mapping[str, tuple[str, set[int]]]:
    """Label and channels, by id."""
    if not subject.channels and not subject.label:
        return {}
    columns = ["pk", subject.channels or "pk", subject.label or "pk"]
    found: dict[str, tuple[str, set[int]]] = {}
    known = subject.model._default_manager.filter(subject.where, pk__in=[pk for pk in ids if pk.isdecimal()])
    for pk, channel, label in known.order_by().values_list(*columns):
        _, channels = found.setdefault(str(pk), (str(label) if subject.label else "", set()))
        if subject.channels and channel is not None:
            channels.add(channel)
    return found


def _body(event: AuditEvent, label: str, channels: list[dict]) -> str:
    """Thin: which thing, who, when, where. A receiver that wants more asks the API, under its own rights."""
    data = {
        "event": event.pk,
        "by": {"id": event.actor_id, "name": event.actor_label},
        "subject": {
            "type": event.subject_type, "id": event.subject_id, "label": label,
            "page": _page(event.subject_type, event.subject_id),
        },
        "channels": channels,
        **{name: event.data[name] for name in CARRIED if isinstance(event.data.get(name), (str, int))},
    }  # fmt: skip
    return payload(event.action, event.at, data)


def payload(kind: str, at: datetime, data: Mapping) -> str:
    """As Standard Webhooks has it: type, timestamp, data."""
    stamp = at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return json.dumps({"type": kind, "timestamp": stamp, "data": data}, ensure_ascii=False)


def _page(kind: str, pk: str) -> str:
    """Where people look at it here, if there is such a page."""
    try:
        return f"{settings.BASE_URL}{reverse(kind, args=[int(pk)])}"
    except (NoReverseMatch, ValueError):
        return ""


_RELEASE = """
UPDATE accounts_webhookdelivery AS item SET state = 'scheduled', next_attempt_at = statement_timestamp(), reason = ''
FROM accounts_webhookendpoint AS e CROSS JOIN LATERAL (
    SELECT id FROM accounts_webhookdelivery WHERE endpoint_id = e.id AND state = 'held' ORDER BY id
    LIMIT greatest(0, CASE WHEN e.failures = 0 THEN %s ELSE 1 END - (
        SELECT count(*) FROM accounts_webhookdelivery
        WHERE endpoint_id = e.id AND state IN ('scheduled', 'sending') AND tries = 0))
    FOR UPDATE SKIP LOCKED) AS next
WHERE item.id = next.id AND e.id = ANY(%s)
    AND (e.resting_until IS NULL OR e.resting_until <= statement_timestamp())
"""
