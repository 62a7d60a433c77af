"""Any number of doors, and those that were open once, written by the database itself: 400,000 in three to five minutes.

Door `i` of a kind leads into channel i modulo the channels; `slot` counts the doors of this kind of that channel. Slots
are filled from the desk of the channel first, then from the other desks of its region.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from django.contrib.auth.models import Permission
from django.core.exceptions import ValidationError
from django.db import connection, models

from accounts.models import Person
from channels_registry import networks
from channels_registry.models import AccessGrant, Channel, NetworkIdentity
from channels_registry.models.access_grant import RIGHTS, Door
from socialops.management.company.channels import BRANDS, REGIONS
from socialops.management.company.crowd import DESKS

# Of a hundred doors: so many of this kind, with these levels in the words of their place, and what they are called.
KINDS: dict[str, tuple[int, tuple[str, ...], str]] = {
    Door.RIGHT: (47, ("author", "author", "viewer", "responder", "approver", "publisher", "author", "manager"), ""),
    Door.ROLE: (36, ("editor", "analyst", "editor", "moderator", "admin"), ""),
    Door.SHARED_LOGIN: (4, ("holder",), "Vault: social"),
    Door.APP_PASSWORD: (4, ("app password",), "phone"),
    Door.APP: (3, ("read and write", "read"), "Planner"),
    Door.RECOVERY: (3, ("recovery",), "recovery mail"),
    Door.TOOL_SEAT: (3, ("member", "administrator"), "Canva"),
}
HISTORY = 0.4  # doors that were open once, for each that is


def open_doors(channels: Sequence[Channel], people: Sequence[Person], by: Person, doors: int, now: datetime) -> None:
    """Raises ValidationError where a region has fewer people than its channels have doors of one kind."""
    if doors * 47 // 100 // len(channels) * 1.5 > len(people) // len(REGIONS):
        raise ValidationError("That is more doors than people could hold. Ask for fewer doors, or for more people.")
    with connection.cursor() as cursor:
        cursor.execute("CREATE TEMP TABLE seed_people (n int PRIMARY KEY, id bigint, handle text) ON COMMIT DROP")
        cursor.execute("CREATE TEMP TABLE seed_channels (n int PRIMARY KEY, id bigint, network text) ON COMMIT DROP")
        _fill(cursor, "seed_people", [(n, p.pk, p.email.partition("@")[0]) for n, p in enumerate(people)])
        _fill(cursor, "seed_channels", [(n, c.pk, c.network) for n, c in enumerate(channels)])
        known = {"people": len(people), "channels": len(channels), "by": by.pk, "now": now}
        _identities(cursor, known)
        cursor.execute("ANALYZE seed_people, seed_channels, channels_registry_networkidentity")
        with _checked_at_the_end(cursor):
            _grants(cursor, doors, known)


def see_off(left: Sequence[Person], now: datetime) -> None:
    """Those who have left: their rights ended with them, and most of their doors; some were forgotten."""
    with connection.cursor() as cursor:
        cursor.execute(_SEE_OFF, {"left": [person.pk for person in left], "now": now})


def enforce() -> None:
    """Guardian's rows for every right, as access.grant writes them."""
    named = dict(
        Permission.objects.filter(
            content_type__app_label="channels_registry", content_type__model="channel"
        ).values_list("codename", "pk")
    )
    pairs = [(level, named[right]) for level, rights in RIGHTS.items() for right in rights]
    with connection.cursor() as cursor:
        cursor.execute(_ENFORCE, {"levels": [level for level, _ in pairs], "rights": [right for _, right in pairs]})


def analyse() -> None:
    """What the planner knows of tables that were empty a minute ago."""
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE" if connection.in_atomic_block else "VACUUM ANALYZE")


def _fill(cursor: Any, table: str, rows: list[tuple]) -> None:
    columns = [list(column) for column in zip(*rows, strict=True)]
    cursor.execute(f"INSERT INTO {table} SELECT * FROM unnest(%s::int[], %s::bigint[], %s::text[])", columns)  # noqa: S608


@contextmanager
def _checked_at_the_end(cursor: Any) -> Iterator[None]:
    """The rules about periods are taken away and set again, which checks all rows at once, and in less time."""
    table = AccessGrant._meta.db_table
    cursor.execute(
        "SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = %s::regclass AND contype = 'x'",
        [table],
    )
    rules = cursor.fetchall()
    for name, _ in rules:
        cursor.execute(f"ALTER TABLE {table} DROP CONSTRAINT {name}")
    yield
    cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")  # or their checks are still due when the table changes
    for name, rule in rules:
        cursor.execute(f"ALTER TABLE {table} ADD CONSTRAINT {name} {rule}")


def _grants(cursor: Any, doors: int, known: dict[str, Any]) -> None:
    left = doors
    for kind, (share, levels, label) in KINDS.items():
        count = left if kind == Door.TOOL_SEAT else doors * share // 100
        left -= count
        for first, last in ((0, count), (count, count + int(count * HISTORY))):
            said = {"door": str(kind), "levels": list(levels), "label": label, "first": first, "last": last}
            cursor.execute(*_insertion(known | said | {"open": first == 0}))


def _identities(cursor: Any, known: dict[str, Any]) -> None:
    """Everybody is somebody on every network; and there are some of whom nobody knows who they are."""
    values = {"network": "network", "remote_id": "'seed-' || id", "handle": "handle", "person_id": "person",
              "matched_by": "matched", "first_seen_at": "%(now)s::timestamptz"}  # fmt: skip
    source = """(SELECT network, id, handle, CASE WHEN n %% 40 = 7 THEN NULL ELSE id END AS person,
        CASE WHEN n %% 40 = 7 THEN '' ELSE 'rule' END AS matched
        FROM seed_people CROSS JOIN unnest(%(networks)s::text[]) AS network) AS there"""
    cursor.execute(*_inserted(NetworkIdentity, values, source, known | {"networks": list(networks.slugs())}))


def _insertion(known: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """Doors `first` to `last` of one kind. Those that are not open any more stood in the year before.

    Roles are mostly read from the network, one in nine is declared; and one in twelve is held by somebody from another
    desk who has no right here.
    """
    over_there = known["door"] in (Door.ROLE, Door.APP_PASSWORD, Door.APP)
    observed = "(%(door)s = 'app_password' OR i %% 9 > 0)" if over_there else "false"
    identity = "identity" if over_there else "NULL::bigint"
    end = "since + (20 + h %% 60) * interval '1 day'"
    ended = "NULL::timestamptz" if known["open"] else f"CASE WHEN h %% 4 > 0 THEN {end} END"
    ahead = "CASE WHEN h %% 20 = 3 THEN %(now)s::timestamptz + (1 + h %% 80) * interval '1 day' END"
    values = {
        "channel_id": "channel", "person_id": f"CASE WHEN {identity} IS NULL THEN person ELSE owner END",
        "identity_id": identity, "door": "%(door)s",
        "entitlement": "(%(levels)s::text[])[1 + (slot + h) %% array_length(%(levels)s::text[], 1)]",
        "label": "CASE WHEN %(label)s <> '' THEN %(label)s || ' ' || slot ELSE '' END",
        "source": f"CASE WHEN {observed} THEN 'observed' ELSE 'declared' END",
        "remote_id": f"CASE WHEN {observed} THEN %(door)s || '-' || i ELSE '' END",
        "granted_by_id": "%(by)s::bigint", "reason": "'Set up with the channel'", "starts_at": "since",
        "last_proven_at": "CASE WHEN %(door)s <> 'right' THEN %(now)s::timestamptz - h %% 90 * interval '13 hours' END",
        "expires_at": ahead if known["open"] else f"CASE WHEN h %% 4 = 0 THEN {end} END",
        "revoked_at": ended, "revoked_by_id": f"CASE WHEN {ended} IS NULL THEN NULL ELSE %(by)s::bigint END",
        "revoked_reason": f"CASE WHEN {ended} IS NULL THEN '' ELSE 'Moved to another desk' END",
    }  # fmt: skip
    return _inserted(AccessGrant, values, _PLACES, known | _SIZES)


def _inserted(
    model: type[models.Model], values: dict[str, str], source: str, known: dict[str, Any]
) -> tuple[str, dict[str, Any]]:
    """INSERT ... SELECT of these columns; every other one gets what the model gives it."""
    given, params = dict(values), dict(known)
    for field in model._meta.concrete_fields:
        column = str(field.column)
        if column not in given and not field.primary_key:
            given[column] = f"%(default_{column})s"
            params[f"default_{column}"] = field.get_db_prep_save(field.get_default(), connection)
    columns, said = ", ".join(given), ", ".join(given.values())
    return f"INSERT INTO {model._meta.db_table} ({columns}) SELECT {said} FROM {source}", params  # noqa: S608


_SIZES = {"desks": DESKS, "regions": len(REGIONS), "brands": len(BRANDS), "networks": len(networks.slugs())}
_PLACES = """(
    SELECT d.i, d.slot, h, channel.id AS channel, who.id AS person, identity.id AS identity,
        identity.person_id AS owner,
        %(now)s::timestamptz - (CASE WHEN %(open)s THEN 20 ELSE 400 END + h %% 300) * interval '1 day' AS since
    FROM (SELECT i, i %% %(channels)s AS c, i / %(channels)s AS slot, hashint4(i * 7 + 1) & 1048575 AS h
          FROM generate_series(%(first)s, %(last)s - 1) AS i) AS d
    CROSS JOIN LATERAL (SELECT c / %(networks)s %% %(desks)s AS desk, greatest(1, %(people)s / %(desks)s) AS size) AS u
    CROSS JOIN LATERAL (SELECT CASE
        WHEN %(door)s = 'role' AND h %% 12 = 5 OR d.slot >= size THEN
            (u.desk / %(regions)s + 1 + d.slot %% (%(brands)s - 1)) %% %(brands)s ELSE u.desk / %(regions)s END AS brand
    ) AS b
    JOIN seed_channels AS channel ON channel.n = d.c
    JOIN seed_people AS who ON who.n = u.desk %% %(regions)s + %(regions)s * b.brand
        + %(desks)s * ((d.slot / CASE WHEN d.slot >= size THEN %(brands)s - 1 ELSE 1 END + d.c) %% size)
    JOIN channels_registry_networkidentity AS identity
        ON identity.network = channel.network AND identity.remote_id = 'seed-' || who.id
) AS place"""
_SEE_OFF = """
UPDATE channels_registry_accessgrant AS g SET revoked_at = greatest(d.at, g.starts_at), revoked_reason = 'They left'
FROM accounts_departure AS d
WHERE d.person_id = g.person_id AND d.person_id = ANY(%(left)s) AND g.revoked_at IS NULL
    AND (g.door = 'right' OR hashint4(g.id::int) %% 3 <> 0)
"""
_ENFORCE = """
INSERT INTO channels_registry_channeluserpermission (user_id, permission_id, content_object_id, grant_id)
SELECT u.id, pair.permission, g.channel_id, g.id FROM channels_registry_accessgrant AS g
JOIN accounts_user AS u ON u.person_id = g.person_id
JOIN unnest(%(levels)s::text[], %(rights)s::bigint[]) AS pair (level, permission) ON pair.level = g.entitlement
WHERE g.door = 'right' AND g.revoked_at IS NULL AND (g.expires_at IS NULL OR g.expires_at > now()) ORDER BY g.channel_id
ON CONFLICT DO NOTHING
"""
