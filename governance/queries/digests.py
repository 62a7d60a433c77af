"""The hashes that a sign-off stands on, computed where the rows are: half a million take a second or two.

SHA-256 over one line an item, in order of the ledger's ids, each line the hex SHA-256 of the item's values as a JSON
list (RFC 8259, ", " between values, letters as they are; times in UTC to the microsecond). An offline verifier needs
no more than that, and `lines` of governance.queries.reviews gives the same lists.
"""

from django.db import connection

from governance.models import AccessReview, ReviewItem

POPULATION = (
    "grant_id", "channel_id", "channel_name", "tier", "person_id", "holder", "door", "entitlement", "label", "source",
    "granted_by_id", "granted_reason", "granted_at", "expires_at", "proven_at",
)  # fmt: skip
DECISION = (
    "grant_id", "state", "decided_by_id", "decided_at", "reason", "lapsed", "submitted_at", "revocation_id",
    "accepted_by_id", "accepted_at", "accepted_reason",
)  # fmt: skip
TIMES = frozenset({"granted_at", "expires_at", "proven_at", "decided_at", "submitted_at", "accepted_at"})
MOMENT = 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'


def population_sha256(review: AccessReview) -> str:
    """Over the doors as they stood when the review was opened."""
    return _sha256(review, POPULATION)


def decisions_sha256(review: AccessReview) -> str:
    """Over what was said of each, and what became of it."""
    return _sha256(review, DECISION)


def _sha256(review: AccessReview, columns: tuple[str, ...]) -> str:
    values = ", ".join(_value(column) for column in columns)
    line = f"encode(sha256(convert_to(jsonb_build_array({values})::text, 'UTF8')), 'hex')"
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            SELECT encode(sha256(convert_to(coalesce(string_agg({line}, E'\\n' ORDER BY grant_id), ''), 'UTF8')), 'hex')
            FROM {ReviewItem._meta.db_table} WHERE review_id = %s
            """,  # noqa: S608 (columns of this module)
            [review.pk],
        )
        return cursor.fetchone()[0]


def _value(column: str) -> str:
    return f"to_char({column} AT TIME ZONE 'UTC', '{MOMENT}')" if column in TIMES else column
