"""Files of channels for the tests, and an import taken as far as a test wants it."""

import io

from django.core.files.uploadedfile import SimpleUploadedFile

from channels_registry import importing
from channels_registry.models import ChannelImport
from socialops.lib.export import csv_bytes, xlsx_rows

COLUMNS = ("network", "handle", "name", "owner")


def table(*rows, columns=COLUMNS, kind: str = "csv") -> bytes:
    if kind == "csv":
        return csv_bytes(columns, rows)
    file = io.BytesIO()
    xlsx_rows(file, columns, rows)
    return file.getvalue()


def brought(by, data: bytes, name: str = "channels.csv") -> ChannelImport:
    return importing.read(by, SimpleUploadedFile(name, data), name)


def checked(by, data: bytes, make_people: bool = False) -> ChannelImport:
    """Every row checked, by this process in place of a worker."""
    made = brought(by, data)
    importing.check(made, by, made.mapping, make_people=make_people)
    return worked(made)


def imported(by, data: bytes, make_people: bool = False) -> ChannelImport:
    made = checked(by, data, make_people)
    importing.start(made, by)
    return worked(made)


def worked(made: ChannelImport) -> ChannelImport:
    importing.work_due()
    made.refresh_from_db()
    return made


def problems(made: ChannelImport) -> dict[int, dict[str, str]]:
    """By row, the ones with problems."""
    return {row.number: row.problems for row in made.rows.order_by("number") if row.problems}


def outcomes(made: ChannelImport) -> list[str]:
    return list(made.rows.order_by("number").values_list("outcome", flat=True))


def plans(made: ChannelImport) -> list[str]:
    return list(made.rows.order_by("number").values_list("plan", flat=True))
