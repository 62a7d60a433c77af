"""Posts as a file that importing takes back: the same file, brought again, changes nothing."""

from collections.abc import Iterable, Iterator
from datetime import UTC
from typing import IO

from django.core.exceptions import ValidationError
from django.db.models import Prefetch, QuerySet

from accounts.audit import record, register
from accounts.models import Person
from channels_registry.models import Channel
from publishing.models import Post, Variant
from publishing.queries.columns import spellings
from socialops.lib import export

register("posts.exported", "exported posts")

COLUMNS = ("Key", "Channels", "Text", "Title", "Why now", "Date and time", "Campaign", "Tags", "State")
MOST_IN_A_CELL = 32_767  # characters, of an XLSX
AT_ONCE = 500


def table(posts: QuerySet[Post]) -> tuple[list[str], Iterator[list[str]]]:
    """The columns, and the rows as they are fetched. A channel with a text of its own has a column."""
    own = Variant.objects.current().filter(post__in=posts.values("pk"), text__isnull=False)
    channels = list(Channel.objects.filter(pk__in=own.values("channel")).order_by("pk"))
    return [*COLUMNS, *(f"Text on {spellings(c)[0]}" for c in channels)], _rows(posts, channels)


def write_csv(posts: QuerySet[Post], by: Person) -> Iterator[bytes]:
    record(by, "posts.exported", by, posts=posts.count(), kind="csv")
    return export.csv_lines(*table(posts))


def write_xlsx(posts: QuerySet[Post], by: Person, file: IO[bytes]) -> None:
    """Raises ValidationError for a text that no cell of such a file holds."""
    record(by, "posts.exported", by, posts=posts.count(), kind="xlsx")
    columns, rows = table(posts)
    export.xlsx_rows(file, columns, _fitting(rows))


def _rows(posts: QuerySet[Post], channels: list[Channel]) -> Iterator[list[str]]:
    current = Variant.objects.current().select_related("channel").order_by("pk")
    shown = posts.select_related("campaign").prefetch_related(Prefetch("variants", current, to_attr="shown"))
    for post in shown.order_by("pk").iterator(chunk_size=AT_ONCE):
        own = {v.channel_id: v.text for v in post.shown}
        yield [*_row(post), *(own.get(channel.pk) or "" for channel in channels)]


def _row(post: Post) -> list[str]:
    at = post.wanted_at.astimezone(UTC).isoformat(" ", "seconds") if post.wanted_at else ""
    going = "; ".join(spellings(v.channel)[0] for v in post.shown)  # type: ignore[attr-defined]
    campaign = post.campaign.name if post.campaign else ""
    said = [post.text, post.title, post.why_now, at, campaign, ", ".join(post.tags)]
    return [f"post-{post.pk}", going, *said, post.get_state_display()]


def _fitting(rows: Iterable[list[str]]) -> Iterator[list[str]]:
    for row in rows:
        if any(len(cell) >= MOST_IN_A_CELL for cell in row):
            raise ValidationError(f"“{row[3]}” is longer than a cell of XLSX can be. Take CSV instead.")
        yield row
