"""Where the next page of a list begins: after this moment and, among rows of one moment, after this id."""

from datetime import UTC, datetime

Place = tuple[datetime, int]
LARGEST = 2**63 - 1  # of an id


def cursor_after(moment: datetime, pk: int) -> str:
    return f"{moment.isoformat()}_{pk}"


def place_of(cursor: str) -> Place | None:
    """None for what is no cursor: the list then begins at its beginning."""
    moment, _, pk = cursor.replace(" ", "+").partition("_")  # a plus sign that an address carried becomes a space
    try:
        when, number = datetime.fromisoformat(moment), int(pk)
        return (when.astimezone(UTC), number) if when.tzinfo and 0 <= number <= LARGEST else None
    except (ValueError, OverflowError):
        return None
