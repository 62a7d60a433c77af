"""Channels with their people as a file that importing takes back: the same file, brought again, changes nothing.

Rights with an end are left out, since a file could not give them one; so are archived channels.
"""

from collections.abc import Iterator
from typing import IO, Any

from django.db.models import Prefetch, QuerySet

from accounts import audit
from accounts.models import Person
from channels_registry.models import AccessGrant, Channel, ChannelImport
from channels_registry.queries.columns import FIELDS, LABELS, PEOPLE, RIGHTS
from channels_registry.queries.wishes import FLAGS, written
from socialops.lib import export
from socialops.lib.sheets import wrong_rows

audit.register("channels.exported", "exported channels and who may do what on them")

AT_ONCE = 500
COLUMNS = list(LABELS.values())


def write_csv(channels: QuerySet[Channel], by: Person) -> Iterator[bytes]:
    audit.record(by, "channels.exported", by, channels=channels.count(), kind="csv")
    return export.csv_lines(COLUMNS, _rows(channels))


def write_xlsx(channels: QuerySet[Channel], by: Person, file: IO[bytes]) -> None:
    audit.record(by, "channels.exported", by, channels=channels.count(), kind="xlsx")
    export.xlsx_rows(file, COLUMNS, _rows(channels))


def write_wrong(of: ChannelImport) -> Iterator[bytes]:
    """The rows that wait to be mended, as they stand, with what is wrong: to be mended in a spreadsheet and brought."""
    headers = [*of.headers, "What is wrong"]
    return export.csv_lines(headers, (_wrong(row, len(of.headers)) for row in wrong_rows(of).iterator(AT_ONCE)))


def _wrong(row: Any, width: int) -> list[str]:
    words = " ".join(f"{LABELS.get(name, name.capitalize())}: {said}" for name, said in row.problems.items())
    return [*row.cells, *[""] * (width - len(row.cells)), words]


def _rows(channels: QuerySet[Channel]) -> Iterator[list[str]]:
    rights = AccessGrant.objects.standing().filter(door="right", expires_at=None, person__isnull=False)
    here = rights.exclude(person__in=Person.objects.departed().values("pk")).select_related("person")
    listed = Prefetch("grants", here.order_by("person__email"), to_attr="rights")
    found = channels.exclude(state="archived").select_related("owner", "backup_owner").prefetch_related(listed)
    for channel in found.order_by("network", "handle", "pk").iterator(chunk_size=AT_ONCE):
        yield [_cell(channel, name) for name in FIELDS]


def _cell(channel: Any, name: str) -> str:
    if name in RIGHTS:
        people = {each.person for each in channel.rights if each.entitlement == name}
        return "; ".join(written(person) for person in sorted(people, key=lambda person: person.email))
    value = getattr(channel, name)
    if name in PEOPLE:
        return written(value) if value else ""
    if name in FLAGS:
        return "yes" if value else "no"
    return "" if value is None else str(value)
