"""How fast reviewers were: a rubber stamp is shown as one."""

from dataclasses import dataclass

from django.db import connection

from accounts.models import Person
from governance.models import AccessReview

FAST_SECONDS = 3.0  # nobody has read the facts of a door in less
LONG_RUN = 50  # certified one after the other, without a single other answer
FEW = 10  # decisions, of which a pace says little


@dataclass(frozen=True)
class Pace:
    """Of one reviewer in one review. Seconds run from the page that was sent to the decision, one at a time only."""

    person: Person
    decided: int
    median: float | None
    fast: int  # in less than FAST_SECONDS
    timed: int  # of which the seconds are known
    run: int  # the longest run of certifications without another answer
    unopened: int  # decided without ever having been opened
    many: int  # decided together with others

    @property
    def share_fast(self) -> int:
        """Percent of those that were timed."""
        return round(100 * self.fast / self.timed) if self.timed else 0

    @property
    def warnings(self) -> list[str]:
        """Why this looks like a rubber stamp, in plain words; empty when it does not."""
        found = [
            (self.timed >= FEW and self.share_fast >= 50,
             f"{self.share_fast} % of the decisions took less than {FAST_SECONDS:.0f} seconds"),
            (self.run >= LONG_RUN, f"{self.run} doors were certified in a row"),
            (self.decided >= FEW and self.unopened * 2 >= self.decided,
             f"{self.unopened} of {self.decided} were decided without having been opened"),
        ]  # fmt: skip
        return [words for holds, words in found if holds]


def pace(review: AccessReview, person: Person | None = None) -> list[Pace]:
    """Of everybody who decided something, or of one; by name. One query."""
    with connection.cursor() as cursor:
        cursor.execute(_PACE, {"review": review.pk, "by": person.pk if person else None, "fast": FAST_SECONDS})
        return [Pace(Person(pk=pk, name=name), *row) for pk, name, *row in cursor.fetchall()]


def mutual(review: AccessReview) -> list[tuple[Person, Person, int]]:
    """Pairs who certified one another, and how many doors of both: allowed, and worth a second look. One query."""
    with connection.cursor() as cursor:
        cursor.execute(_MUTUAL, {"review": review.pk})
        rows = cursor.fetchall()
    return [(Person(pk=a, name=one), Person(pk=b, name=other), count) for a, one, b, other, count in rows]


# A run is counted by the gap between the order of all decisions and the order of those with the same answer.
_PACE = """
WITH d AS (
    SELECT decided_by_id AS who, state, seconds, many, shown_at,
        row_number() OVER (PARTITION BY decided_by_id ORDER BY decided_at, id)
        - row_number() OVER (PARTITION BY decided_by_id, state ORDER BY decided_at, id) AS island
    FROM governance_reviewitem
    WHERE review_id = %(review)s AND state IN ('certified', 'revoked') AND decided_by_id IS NOT NULL
        AND (%(by)s::bigint IS NULL OR decided_by_id = %(by)s)
), runs AS (
    SELECT who, max(n) AS run FROM (
        SELECT who, count(*) AS n FROM d WHERE state = 'certified' GROUP BY who, island) AS r GROUP BY who
)
SELECT d.who, p.name, count(*),
    round((percentile_cont(0.5) WITHIN GROUP (ORDER BY seconds) FILTER (WHERE NOT many))::numeric, 1)::float,
    count(*) FILTER (WHERE NOT many AND seconds < %(fast)s), count(*) FILTER (WHERE NOT many AND seconds IS NOT NULL),
    coalesce(max(runs.run), 0), count(*) FILTER (WHERE shown_at IS NULL), count(*) FILTER (WHERE many)
FROM d JOIN accounts_person p ON p.id = d.who LEFT JOIN runs ON runs.who = d.who GROUP BY d.who, p.name
ORDER BY p.name, d.who
"""

_MUTUAL = """
WITH c AS (
    SELECT decided_by_id AS by, person_id AS whose, count(*) AS n FROM governance_reviewitem
    WHERE review_id = %(review)s AND state = 'certified' AND person_id IS NOT NULL GROUP BY 1, 2
)
SELECT a.by, p.name, a.whose, q.name, a.n + b.n FROM c a JOIN c b ON b.by = a.whose AND b.whose = a.by
JOIN accounts_person p ON p.id = a.by JOIN accounts_person q ON q.id = a.whose
WHERE a.by < a.whose ORDER BY 5 DESC LIMIT 50
"""
