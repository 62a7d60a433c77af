"""Files of posts for the tests, and an import taken as far as a test wants it."""

import io

from django.core.files.uploadedfile import SimpleUploadedFile

from publishing import importing
from publishing.models import Import
from socialops.lib.export import csv_bytes, xlsx_rows

LATER = "2031-06-0{} 09:30"


def table(*rows, columns=("key", "channels", "text", "date and time"), kind: str = "csv") -> bytes:
    if kind == "csv":
        return csv_bytes(columns, rows)
    file = io.BytesIO()
    xlsx_rows(file, columns, rows)
    return file.getvalue()


def brought(by, data: bytes, name: str = "posts.csv") -> Import:
    return importing.read(by, SimpleUploadedFile(name, data), name)


def checked(by, data: bytes, zone: str = "Europe/Berlin", **mapping: int) -> Import:
    """Every row checked, by this process in place of a worker."""
    made = brought(by, data)
    importing.check(made, by, {**made.mapping, **mapping}, zone)
    return worked(made)


def imported(by, data: bytes) -> Import:
    made = checked(by, data)
    importing.start(made, by)
    return worked(made)


def worked(made: Import) -> Import:
    importing.work_due()
    made.refresh_from_db()
    return made


def problems(made: Import) -> dict[int, dict[str, str]]:
    """By row, the ones with problems."""
    return {row.number: row.problems for row in made.rows.order_by("number") if row.problems}


def outcomes(made: Import) -> list[str]:
    return list(made.rows.order_by("number").values_list("outcome", flat=True))
