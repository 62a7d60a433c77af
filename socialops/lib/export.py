"""Tables as files that other programs open. Pure Python.

A cell that a spreadsheet would run as a formula is defused by a leading apostrophe (OWASP ASVS 1.2.10, full-width
signs included), so what is read is what was written.
"""

import codecs
import csv
import hashlib
import io
import itertools
import json
from collections.abc import Iterable, Iterator, Sequence
from typing import IO, Any

_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def csv_bytes(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> bytes:
    """UTF-8 with a byte order mark, since spreadsheets guess wrong without one."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow([defused(cell) for cell in columns])
    for row in rows:
        writer.writerow([defused(cell) for cell in row])
    return "\ufeff".encode() + text.getvalue().encode()


def json_bytes(value: Any) -> bytes:
    """Indented, keys in order: the same value is always the same bytes."""
    return (json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False, default=str) + "\n").encode()


def xlsx_rows(file: IO[bytes], columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Written row by row, every cell as text: nothing is a formula, a link or a number, and memory stays flat."""
    import xlsxwriter  # here, since every process imports this file and few ever write a workbook

    book = xlsxwriter.Workbook(file, {"constant_memory": True, "in_memory": False})
    sheet = book.add_worksheet()
    for number, row in enumerate(itertools.chain([columns], rows)):
        for place, cell in enumerate(row):
            if sheet.write_string(number, place, defused(cell)):
                raise ValueError(f"row {number + 1} has a cell of more characters than XLSX holds")
    book.close()


def csv_lines(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> Iterator[bytes]:
    """The same as csv_bytes, row by row."""
    yield csv_bytes(columns, ())
    for row in rows:
        yield csv_bytes(row, ()).removeprefix(codecs.BOM_UTF8)


def csv_chunks(columns: Sequence[str], chunks: Iterable[Sequence[Sequence[Any]]]) -> Iterator[bytes]:
    """The same as csv_bytes, as many rows at a time as come in a chunk: for files of hundreds of thousands of rows."""
    yield csv_bytes(columns, ())
    for rows in chunks:
        text = io.StringIO()
        csv.writer(text).writerows([_defused_row(row) for row in rows])
        yield text.getvalue().encode()


_RISKY = frozenset((*_FORMULA_STARTS, "'"))  # the first characters that defused looks at


def _defused_row(row: Sequence[Any]) -> list[Any]:
    return [defused(cell) if cell.__class__ is str and cell[:1] in _RISKY else cell for cell in row]


def defused(cell: Any) -> str:
    """One apostrophe more where a spreadsheet would calculate. What begins with apostrophes before that gets one too,
    so that undefused gives back what was there."""
    text = "" if cell is None else str(cell)
    return f"'{text}" if text.lstrip("'").startswith(_FORMULA_STARTS) else text


def undefused(text: str) -> str:
    return text[1:] if text.startswith("'") and text.lstrip("'").startswith(_FORMULA_STARTS) else text


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
