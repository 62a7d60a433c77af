"""Tables that other programs wrote, as rows of text: what kind of file it is, then its rows, one by one. Pure Python.

A cell is never calculated: what begins with = + - @ is text. An apostrophe that export.defused put before it is taken
away again.
"""

import codecs
import csv
import io
import re
from collections.abc import Generator
from contextlib import closing
from dataclasses import dataclass
from typing import IO

from socialops.lib import workbooks
from socialops.lib.export import undefused
from socialops.lib.workbooks import Unreadable

MOST_BYTES, MOST_ROWS, MOST_COLUMNS = 20_000_000, 10_000, 200
LONGEST_LINE = 1_000_000  # characters
ENCODINGS = {
    "utf-8": "UTF-8",
    "cp1252": "Windows-1252 (Western Europe)",
    "utf-16": "UTF-16",
    "utf-16-le": "UTF-16, little-endian",
    "utf-16-be": "UTF-16, big-endian",
}
DELIMITERS = {"comma": ",", "semicolon": ";", "tab": "\t"}
LOST = "\ufffd"  # stands for each character that could not be read
UNKEEPABLE = re.compile("[\0\ud800-\udfff]")  # no column of text takes these
START = 65536


@dataclass(frozen=True)
class Format:
    kind: str  # csv or xlsx
    encoding: str = ""  # of ENCODINGS; only of a csv
    delimiter: str = ""  # of DELIMITERS


@dataclass(frozen=True)
class Row:
    """`number` as a spreadsheet shows it, the header's being 1. With a `problem` the cells are only what was there."""

    number: int
    cells: list[str]
    problem: str = ""


def recognised(file: IO[bytes]) -> Format:
    """A guess, which people may change. Raises Unreadable for what is no table."""
    file.seek(0)
    start = file.read(START)
    if not start.strip(b"\0 \t\r\n"):
        raise Unreadable("The file is empty.")
    if start.startswith(b"PK"):
        return Format("xlsx")
    if start.startswith((b"\xd0\xcf\x11\xe0", b"%PDF", b"\x1f\x8b", b"\x89PNG", b"\xff\xd8\xff", b"GIF8")):
        raise Unreadable("This is not a table. Save it as CSV or XLSX and choose that file.")
    encoding = _encoding(file, start)
    return Format("csv", encoding, _delimiter(start.decode(encoding, "ignore")))


def rows(file: IO[bytes], format: Format) -> Generator[Row, None, None]:
    """The header first, then the rows; blank ones are left out. Raises Unreadable before the first, or at the row that
    is one too many."""
    file.seek(0)
    found = workbooks.rows(file, MOST_COLUMNS + 1) if format.kind == "xlsx" else _csv_rows(file, format)
    header: list[str] | None = None
    filled = 0
    with closing(found):
        for row in (Row(*each) for each in found):
            cells = _trimmed(row.cells)
            if not cells or (header is None and _says_delimiter(cells)):
                continue
            if header is None:
                header = _header(cells)
                yield Row(row.number, header)
                continue
            filled += 1
            if filled > MOST_ROWS:
                raise Unreadable(f"The file has more than {MOST_ROWS:,} rows. Divide it, and import the parts.")
            yield Row(row.number, cells[:MOST_COLUMNS], row.problem or _too_wide(cells, header))
    if header is None:
        raise Unreadable("The file is empty.")


def _header(cells: list[str]) -> list[str]:
    if len(cells) > MOST_COLUMNS:
        raise Unreadable(f"The file has more than {MOST_COLUMNS} columns. Keep those that say something about a post.")
    return [" ".join(cell.split())[:100] for cell in cells]


def _too_wide(cells: list[str], header: list[str]) -> str:
    if len(cells) <= len(header):
        return ""
    return f"This row has {len(cells)} cells, the header has {len(header)}. A text with a comma needs quotation marks."


def _trimmed(cells: list[str]) -> list[str]:
    """As they can be kept, without the empty ones at the end."""
    kept = [undefused(UNKEEPABLE.sub(LOST, cell)) for cell in cells]
    while kept and not kept[-1].strip():
        kept.pop()
    return kept


def _says_delimiter(cells: list[str]) -> bool:
    """The first line that some spreadsheets write for one another: sep=;"""
    return len(cells) == 1 and cells[0].lower().startswith("sep=")


def _csv_rows(file: IO[bytes], format: Format) -> Generator[tuple[int, list[str], str], None, None]:
    stream = io.TextIOWrapper(file, format.encoding, errors="replace", newline="")
    lines = _Lines(stream)
    reader = csv.reader(lines, delimiter=DELIMITERS[format.delimiter], strict=True)
    number = 0
    try:
        while True:
            number += 1
            lines.kept = []
            try:
                cells = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                yield number, ["".join(lines.kept)[: csv.field_size_limit()]], _words(error)
                continue
            if number == 1 and cells:
                cells[0] = cells[0].removeprefix("\ufeff")
            yield number, cells, ""
    finally:
        stream.detach()  # the file belongs to whoever gave it


class _Lines:
    """The lines of a stream, and those of the record that is being read."""

    def __init__(self, stream: IO[str]):
        self.stream, self.kept = stream, list[str]()

    def __iter__(self) -> "_Lines":
        return self

    def __next__(self) -> str:
        line = self.stream.readline(LONGEST_LINE)
        if not line:
            raise StopIteration
        if len(line) == LONGEST_LINE:
            raise Unreadable(f"The file has a line of more than {LONGEST_LINE:,} characters. It is no table of posts.")
        self.kept.append(line)
        return line


def _words(error: csv.Error) -> str:
    if "end of data" in str(error):
        return "A quotation mark opens in this row and is never closed, so what follows was read as one text."
    if "limit" in str(error):
        return f"A cell has more than {csv.field_size_limit():,} characters. A quotation mark may not be closed."
    return "A quotation mark stands in the middle of a text. Write it twice, and the whole text in quotation marks."


def _encoding(file: IO[bytes], start: bytes) -> str:
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    if start.startswith(codecs.BOM_UTF8):
        return "utf-8"
    even, odd = start[::2].count(0), start[1::2].count(0)
    if max(even, odd) * 5 > len(start):
        return "utf-16-le" if odd > even else "utf-16-be"
    return "utf-8" if _is_utf8(file) else "cp1252"


def _is_utf8(file: IO[bytes]) -> bool:
    """Most of what is not ASCII reads as UTF-8: one broken character is an error of its row, not another encoding."""
    file.seek(0)
    decoder, good, bad = codecs.getincrementaldecoder("utf-8")("replace"), 0, 0
    while chunk := file.read(START):
        text = decoder.decode(chunk)
        lost = text.count(LOST)
        good, bad = good + sum(c > "\x7f" for c in text) - lost, bad + lost
    return bad <= good


def _delimiter(start: str) -> str:
    """The one that divides the first line into most columns."""
    first = start.lstrip("\ufeff\r\n")
    if said := re.match(r"sep=([,;\t])[\r\n]", first, re.IGNORECASE):
        return next(name for name, sign in DELIMITERS.items() if sign == said[1])
    columns = {}
    for name, sign in DELIMITERS.items():
        try:
            columns[name] = len(next(csv.reader(io.StringIO(first, newline=""), delimiter=sign), []))
        except csv.Error:
            columns[name] = 0
    return max(columns, key=lambda name: columns[name])
