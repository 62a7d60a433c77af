"""Link cards: a worker reads the pages that people link to, and what they say of themselves is kept with its age.

Nothing here is part of the trail: a card is part of a post from the revision on that shows it.
"""

import asyncio
import hashlib
import logging
from collections.abc import Collection, Iterable
from datetime import datetime, timedelta

from django.core.files.base import ContentFile
from django.db.models import Q
from django.db.models.functions import Now

from accounts.models import Person
from publishing import queries
from publishing.models import LinkCard
from publishing.queries import cards
from socialops.lib import turns
from socialops.lib.fetch import Blocked, checked_url
from socialops.lib.pages import Told, Unreadable, read_page

FRESH, AGAIN = timedelta(hours=1), timedelta(minutes=1)  # how old a card may be; after what a failure is tried again
KEPT = timedelta(days=1)  # a reading of which nothing came
MOST_A_MINUTE = 20  # pages that one person has read
AT_ONCE = 8
LONGEST = 2000  # characters of an address
PICTURE_BYTES = 900_000  # no network that takes a card of ours takes less (a test says so)
BROKEN = "The page cannot be read."

log = logging.getLogger(__name__)


def ask(links: Iterable[str], by: Person) -> None:
    """Have these read, unless what is known of them is fresh. An address that may not be read is refused at once."""
    links = list(dict.fromkeys(links))
    now, known = queries.now(), cards.pages(links)
    due = [link for link in links if not _is_fresh(known.get(link), now)]
    asked = LinkCard.objects.filter(asked_by=by, asked_at__gt=now - timedelta(minutes=1)).count() if due else 0
    rows = [LinkCard(url=link, asked_by=by, asked_at=now) for link in due[: max(MOST_A_MINUTE - asked, 0)]]
    for row in rows:
        if problem := _against(row.url):
            row.problem, row.read_at = problem, now
    LinkCard.objects.bulk_create(rows)


def read_due(allow: Collection[str] = ()) -> int:
    """Read what is waited for. Returns how many pages. Hosts in `allow` may be inner ones."""
    return turns.in_turn("read pages", _due, lambda rows: _read(rows, allow))


def forget() -> int:
    """Readings that no post refers to, because nothing came of them. Returns how many."""
    old = LinkCard.objects.filter(asked_at__lt=Now() - KEPT)
    return old.filter(~Q(problem="") | Q(read_at=None)).delete()[0]


def _due() -> list[LinkCard] | None:
    waited = LinkCard.objects.filter(read_at=None, asked_at__gt=Now() - cards.WAITED)
    return list(waited.order_by("asked_at", "pk")[:AT_ONCE]) or None


def _read(rows: list[LinkCard], allow: Collection[str]) -> None:
    """All of them at once, each within its deadline."""

    async def every() -> list[Told | BaseException]:
        readings = (read_page(row.url, PICTURE_BYTES, allow=allow) for row in rows)
        return await asyncio.gather(*readings, return_exceptions=True)

    for row, told in zip(rows, asyncio.run(every()), strict=True):
        try:
            _keep(row, told)
        except Exception:  # such as a storage that is away: the page is not read again and again meanwhile
            log.exception("what a page said could not be kept")
            LinkCard.objects.filter(pk=row.pk).update(read_at=Now(), problem=BROKEN)


def _keep(row: LinkCard, told: Told | BaseException) -> None:
    row.read_at = queries.now()
    if isinstance(told, Unreadable):
        row.problem = told.reason[:300]
    elif isinstance(told, BaseException):
        row.problem = BROKEN
        log.error("a page could not be read", exc_info=told)
    else:
        row.title, row.description = told.title, told.description
        if picture := told.picture:
            row.mime, row.width, row.height = picture.mime, picture.width, picture.height
            row.sha256 = hashlib.sha256(picture.content).hexdigest()
            same = LinkCard.objects.filter(sha256=row.sha256).first()  # most pages show what they showed an hour ago
            if same:
                row.file.name = same.file.name
            else:
                row.file.save("", ContentFile(picture.content), save=False)
    row.save()


def _is_fresh(page: cards.Page | None, now: datetime) -> bool:
    if page is None or page.last is None:
        return False
    age = now - (page.last.read_at or page.last.asked_at)
    return page.waits or age < (AGAIN if page.last.problem or not page.last.read_at else FRESH)


def _against(url: str) -> str:
    if len(url) > LONGEST:
        return f"The address is longer than {LONGEST:,} characters."
    try:
        checked_url(url)
    except Blocked as error:
        return error.reason[:300]
    return ""
