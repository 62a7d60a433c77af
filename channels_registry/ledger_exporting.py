"""The ledger of doors as a file, row by row: hundreds of thousands of doors leave without being held in memory."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from django.db import connection, transaction
from django.db.models import CharField, Exists, F, Func, OuterRef, QuerySet, Value
from django.db.models.functions import Coalesce

from accounts import audit
from accounts.models import Person
from channels_registry.models import AccessGrant
from channels_registry.permissions import Oversight, oversight
from channels_registry.queries.doors import open_at
from channels_registry.queries.drift import where_it_may_be
from channels_registry.queries.narrowing import Filters

audit.register("access.exported", "exported who has access")

CHUNK = 2_000  # rows that are in hand at once
COLUMNS: dict[str, str] = {
    "channel_id": "channel_id", "channel": "channel__name", "network": "channel__network", "handle": "channel__handle",
    "risk": "channel__risk_tier", "brand": "channel__brand", "region": "channel__region", "person_id": "person_id",
    "person": "person__name", "email": "person__email", "door": "door", "level": "entitlement", "label": "label",
    "source": "source", "identity": "identity__handle", "reason": "reason", "starts_at": "starts_at",
    "expires_at": "expires_at", "last_proven_at": "last_proven_at", "revoked_at": "revoked_at",
}  # fmt: skip
MOMENTS = ("starts_at", "expires_at", "last_proven_at", "revoked_at")


@transaction.atomic
def begin_export(by: Person, chosen: Filters, at: datetime | None = None) -> QuerySet:
    """Of the channels they oversee, the doors that a matrix narrowed so is made of, as values in the order of COLUMNS,
    moments as text in UTC. Recorded before the first row leaves. PermissionDenied for whoever oversees nothing.
    """
    rows = ledger(oversight(by), chosen, at)
    told = {"narrowed": chosen.narrowing, "at": at.isoformat() if at else None}
    audit.record(by, "access.exported", by, **told)
    return rows


def ledger(sight: Oversight, chosen: Filters, at: datetime | None = None) -> QuerySet:
    doors = open_at(at).filter(chosen.levels(), channel__in=sight.channels().filter(chosen.channels()).values("pk"))
    if chosen.picks_people:
        doors = doors.filter(person__in=chosen.people().values("pk"))
    if chosen.drift:
        same = AccessGrant.objects.standing().filter(ours=False, channel=OuterRef("channel"), person=OuterRef("person"))
        doors = doors.filter(Exists(where_it_may_be(same, chosen.drift)))
    columns = [_moment(path) if name in MOMENTS else F(path) for name, path in COLUMNS.items()]
    return doors.order_by("channel_id", "person_id", "pk").values_list(*columns)


def chunks(rows: QuerySet) -> Iterator[Sequence[tuple[Any, ...]]]:
    """The rows, some thousand at a time, through a cursor of the database's."""
    sql, params = rows.query.sql_with_params()
    with connection.chunked_cursor() as cursor:
        cursor.execute(sql, params)
        while found := cursor.fetchmany(CHUNK):
            yield found


def _moment(path: str) -> Coalesce:
    """Written by the database: text goes through faster than moments do."""
    utc = Func(Value("UTC"), F(path), function="timezone")
    pattern = Value('YYYY-MM-DD"T"HH24:MI:SS"Z"')
    return Coalesce(Func(utc, pattern, function="to_char", output_field=CharField()), Value(""))
