"""Who may look at a door: the first of a list who is here, can sign in, does not have the door and did not give it.

The choice is SQL, because a review begins with it for every door at once. Aliases in it: g the grant, c its channel,
p the person who has it, d the identity over there; i the item and w its present reviewer, where there is one.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.db.models import QuerySet

from accounts.models import Person, Role
from accounts.permissions import people_with_role
from channels_registry.models import AccessGrant
from governance.models import AccessReview

Candidate = tuple[str, str]  # SQL of a person's id, and why them (ReviewItem.Why)
MOST_ADMINISTRATORS = 50

JOINED = """
    JOIN channels_registry_channel c ON c.id = g.channel_id
    LEFT JOIN accounts_person p ON p.id = g.person_id
    LEFT JOIN channels_registry_networkidentity d ON d.id = g.identity_id
"""
NEVER = ("g.person_id", "g.granted_by_id", "d.person_id")


@dataclass(frozen=True)
class Sql:
    text: str
    params: tuple[Any, ...]


def may_look() -> QuerySet[Person]:
    """Everybody who is here and can sign in: whoever cannot, cannot decide."""
    return Person.objects.present().filter(user__is_active=True)


def chain(review: AccessReview) -> list[Candidate]:
    """Before the administrators, in order."""
    named = str(int(review.named_id)) if review.named_id else "NULL::bigint"
    first = {"owner": ("c.owner_id", "owner"), "manager": ("p.manager_id", "manager"), "named": (named, "named")}
    backups = [("c.backup_owner_id", "backup"), ("c.owner_id", "owner")]
    return [first[review.rule], *(backups if review.fallback == AccessReview.Fallback.BACKUP else [])]


def pick(
    candidates: Sequence[Candidate],
    never: Sequence[str] = NEVER,
    *,
    administrators: bool = True,
    but: Sequence[int] = (),
) -> Sql:
    """LEFT JOIN LATERAL … r: `r.who` and `r.why`, null where nobody is left. Administrators come last, if they may."""
    rows = " UNION ALL ".join(
        f"SELECT {n} AS n, {sql} AS who, '{why}' AS why" for n, (sql, why) in enumerate(candidates)
    )
    every = people_with_role(Role.ADMIN) if administrators else Person.objects.none()
    last = list(every.values_list("pk", flat=True)[:MOST_ADMINISTRATORS])
    here = list(may_look().exclude(pk__in=but).values_list("pk", flat=True))
    nots = " ".join(f"AND u.who IS DISTINCT FROM {each}" for each in never)
    text = f"""
        LEFT JOIN LATERAL (
            SELECT u.who, u.why FROM (
                {rows}{" UNION ALL" if rows else ""}
                SELECT 1000 + x.n, x.who, 'administrator' FROM unnest(%s::bigint[]) WITH ORDINALITY AS x(who, n)
            ) AS u WHERE u.who = ANY(%s::bigint[]) {nots} ORDER BY u.n LIMIT 1
        ) AS r ON true
    """  # noqa: S608 (names of columns, from this module and its callers)
    return Sql(text, (last, here))


def doors_in(scope: dict[str, Any], at, last: int | None = None) -> QuerySet[AccessGrant]:
    """The doors of a scope that stood open at that moment. Our own way in is nobody's door."""
    doors = AccessGrant.objects.standing(at).filter(ours=False)
    narrowed = {
        "channels": "channel__in", "tiers": "channel__risk_tier__in", "brands": "channel__brand__in",
        "regions": "channel__region__in", "owner": "channel__owner", "manager": "person__manager", "person": "person",
    }  # fmt: skip
    doors = doors.filter(**{lookup: scope[key] for key, lookup in narrowed.items() if scope.get(key)})
    if case := scope.get("case"):  # whatever the leaver could reach, whoever else can
        doors = doors.filter(channel__in=AccessGrant.objects.filter(person__offboarding_cases=case).values("channel"))
    return doors.filter(pk__lte=last) if last is not None else doors


@dataclass(frozen=True)
class Share:
    """How many doors one reviewer would get; `person` None: nobody is left who may look at them."""

    person: Person | None
    doors: int
    high: int


def preview(review: AccessReview, at) -> list[Share]:
    """What each reviewer would get, the most first. Three queries."""
    doors, picked = doors_in(review.scope, at).order_by().values("pk").query.sql_with_params(), pick(chain(review))
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            SELECT r.who, n.name, count(*), count(*) FILTER (WHERE c.risk_tier = 'high')
            FROM channels_registry_accessgrant g {JOINED} {picked.text} LEFT JOIN accounts_person n ON n.id = r.who
            WHERE g.id IN ({doors[0]}) GROUP BY r.who, n.name ORDER BY r.who IS NOT NULL, count(*) DESC, n.name
            """,  # noqa: S608
            [*picked.params, *doors[1]],
        )
        rows = cursor.fetchall()
    return [Share(Person(pk=who, name=name) if who else None, *counts) for who, name, *counts in rows]
