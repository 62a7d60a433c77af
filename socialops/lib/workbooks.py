"""XLSX files that other programs wrote, as rows of text. Pure Python.

A workbook is a ZIP of XML: what it would become in memory is counted, part by part, before anything builds it.
"""

import zipfile
from collections.abc import Generator
from datetime import date, datetime, time
from typing import IO, Any
from xml.parsers import expat

MOST_PARTS, MOST_UNPACKED = 500, 100_000_000  # bytes of all parts
MOST_STRINGS = 30_000_000  # bytes of the table of shared strings, which is kept in memory
MOST_CELLS_A_ROW, LAST_ROW = 1_000, 1_048_576
MOST_ELEMENTS = {"worksheet": 5_000_000, "sst": 1_000_000}  # by root; everything else:
MOST_OTHER = 100_000
DEEPEST, CHUNK = 60, 65536
NO_WORKBOOK = "This file cannot be read as XLSX. Save it anew as XLSX or CSV in a spreadsheet, and choose that file."


class Unreadable(ValueError):
    """The words are for whoever brought the file."""


def rows(file: IO[bytes], columns: int) -> Generator[tuple[int, list[str], str], None, None]:
    """The rows of the first sheet, as tables.Row takes them. Formulas are their text; what is beyond `columns` is left
    out."""
    import openpyxl  # here, since every process imports this file and few ever read a workbook

    try:
        _refuse_bombs(file)
        file.seek(0)
        book = openpyxl.load_workbook(file, read_only=True, keep_links=False)
        sheet = book.worksheets[0]
        sheet.reset_dimensions()  # what the file says of its own size may be a lie
        for number, cells in enumerate(sheet.iter_rows(max_col=columns, values_only=True), 1):
            yield number, [_text(cell) for cell in cells], ""
    except (Unreadable, GeneratorExit):
        raise
    except Exception as error:  # whatever a library says of a file that is not what it seems
        raise Unreadable(NO_WORKBOOK) from error


def _text(cell: Any) -> str:
    match cell:
        case None:
            return ""
        case bool():
            return "yes" if cell else "no"
        case float() if cell.is_integer():
            return str(int(cell))
        case datetime() if cell.time() == time():
            return cell.date().isoformat()
        case datetime():
            return cell.isoformat(" ", "minutes" if not cell.second else "seconds")
        case date() | time():
            return cell.isoformat()
    return str(getattr(cell, "text", cell))


def _refuse_bombs(file: IO[bytes]) -> None:
    file.seek(0)
    with zipfile.ZipFile(file) as parts:
        infos = parts.infolist()
        if not any(info.filename == "[Content_Types].xml" for info in infos):
            raise Unreadable(NO_WORKBOOK)
        if len(infos) > MOST_PARTS or sum(info.file_size for info in infos) > MOST_UNPACKED:
            raise Unreadable("This file unpacks to more than a table of posts can be. It is not read.")
        for info in infos:
            with parts.open(info) as part:  # never gives more than file_size bytes
                _Count(info.file_size).over(part)


class _Count:
    """What one part would become, counted while it is read."""

    def __init__(self, size: int):
        self.size, self.root = size, ""
        self.elements = self.cells = self.depth = 0

    def over(self, part: IO[bytes]) -> None:
        parser = expat.ParserCreate(namespace_separator=" ")
        parser.StartElementHandler, parser.EndElementHandler = self._start, self._end
        parser.StartDoctypeDeclHandler = self._doctype
        try:
            while chunk := part.read(CHUNK):
                parser.Parse(chunk)
        except expat.ExpatError:
            return  # a picture, or nothing that anybody can read: openpyxl says which

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        tag = name.rpartition(" ")[2]
        self.root = self.root or tag
        self.elements, self.depth = self.elements + 1, self.depth + 1
        if self.elements > MOST_ELEMENTS.get(self.root, MOST_OTHER) or self.depth > DEEPEST:
            raise Unreadable("This file holds more than a table of posts can. It is not read.")
        if self.elements == 1 and self.root == "sst" and self.size > MOST_STRINGS:
            raise Unreadable("The texts of this file are larger than a table of posts can be. It is not read.")
        if tag == "row":
            self.cells = 0
            number = attributes.get("r", "1")
            if not number.isdecimal() or len(number) > 7 or int(number) > LAST_ROW:
                raise Unreadable(NO_WORKBOOK)
        self.cells += tag == "c"
        if self.cells > MOST_CELLS_A_ROW:
            raise Unreadable("A row of this file has more cells than a post has columns. It is not read.")

    def _end(self, name: str) -> None:
        self.depth -= 1

    def _doctype(self, *_: Any) -> None:
        raise Unreadable(NO_WORKBOOK)
