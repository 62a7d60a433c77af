"""Telling the right rows of a file from the wrong ones, and what each would do."""

from collections.abc import Iterable, Mapping

from django.db.models import Min

from publishing.models import Import, ImportRow, Post
from publishing.queries.imports import Meant, against_change, changes
from publishing.queries.wishes import Ground, Wish


def judged(of: Import, rows: list[ImportRow], problems: Mapping[int, str] | None = None) -> None:
    """Set what each row says: its problems and its plan. `problems`: what reading the file said, by number."""
    ground = Ground(of.by, of.mapping, of.time_zone, rows)
    wishes = [ground.wish(row.cells) for row in rows]
    taken = keys_before(of, [wish.key for wish in wishes])
    meant = Meant(of.by, wishes)
    for row, wish in sorted(zip(rows, wishes, strict=True), key=lambda pair: pair[0].number):
        if words := (problems or {}).get(row.number):
            wish.problems = {"row": words}
        if words := first_with(taken, wish.key, row.number):
            wish.problems["key"] = words
        settle(row, wish, ground, meant)


def settle(row: ImportRow, wish: Wish, ground: Ground, meant: Meant) -> Post | None:
    """Write what a wish comes to into its row, and give the post that it means."""
    row.key, row.problems, row.plan, row.identity, row.digest = wish.key[:200], wish.problems, "", "", ""
    if wish.problems:
        return None
    row.identity, row.digest = wish.identity(ground.person), wish.digest()
    post, done, refused = meant.of(wish)
    found = [] if post is None or done else changes(post, wish)
    if refused:
        row.problems = {"key": refused}
    elif post is None:
        row.plan, row.problems = ImportRow.Plan.CREATE, ground.untimely(wish)
    elif not found:
        row.plan = ImportRow.Plan.NOTHING
    else:
        row.plan = ImportRow.Plan.CHANGE
        row.problems = {"key": words} if (words := against_change(post)) else {}
        row.problems |= ground.untimely(wish, post) if "time" in found else {}
    if row.problems:
        row.plan = ""
    return post


def keys_before(of: Import, keys: Iterable[str]) -> dict[str, int]:
    """The first row of the file that is kept with each of these keys, by key."""
    found = of.rows.filter(key__in=[key for key in keys if key]).values_list("key").annotate(first=Min("number"))
    return dict(found) if keys else {}


def first_with(taken: dict[str, int], key: str, number: int) -> str:
    """Words against a row whose key an earlier one has; "" if none has. Notes the key."""
    first = min(taken.get(key, number), number) if key else number
    taken[key] = first
    return f"Row {first} has this key. Give each post a key of its own." if first < number else ""
