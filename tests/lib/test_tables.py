"""Files of other programs as rows of text, and those that are refused before anything is built of them."""

import codecs
import io
import tracemalloc
import zipfile
from datetime import date, datetime, time

import openpyxl
import pytest

from socialops.lib import tables, workbooks
from socialops.lib.export import csv_bytes, defused, undefused, xlsx_rows
from socialops.lib.tables import Format, Unreadable

ODD = [
    "=1+1",
    "＝1+1",
    "'=1+1",
    "-3",
    "@you",
    "it's",
    "'quoted'",
    "zwei\nZeilen",
    'say "so", she said',
    "👩‍👩‍👧 שלום",
    " x ",
]


def read(data: bytes, format: Format | None = None) -> list[list[str]]:
    file = io.BytesIO(data)
    return [row.cells for row in tables.rows(file, format or tables.recognised(file))]


def workbook(rows, **parts: bytes) -> bytes:
    """An XLSX of these rows, and whatever else is put into it."""
    book, file = openpyxl.Workbook(), io.BytesIO()
    for row in rows:
        book.active.append(row)
    book.save(file)
    with zipfile.ZipFile(file, "a", zipfile.ZIP_DEFLATED) as parts_of_it:
        for name, content in parts.items():
            parts_of_it.writestr(f"xl/{name}.xml", content)
    return file.getvalue()


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_a_csv_is_read_in_whatever_it_was_written(encoding, delimiter):
    text = f'key{delimiter}text{delimiter}when\n1{delimiter}"Größe, neu; jetzt\tda\nzweite Zeile"{delimiter}\n'
    assert read(text.encode(encoding)) == [["key", "text", "when"], ["1", "Größe, neu; jetzt\tda\nzweite Zeile"]]


def test_the_first_line_may_say_what_divides_the_columns():
    assert read(b"sep=;\r\na,b;c\r\n1;2\r\n") == [["a,b", "c"], ["1", "2"]]


def test_half_a_character_spoils_its_cell_and_nothing_else():
    whole = "text,key\nGrüße aus Köln,1\nSchön,2\nÄpfel,3\n".encode()
    rows = read(whole.replace("Schön".encode(), b"Sch" + b"\xc3n"))
    assert rows[2] == ["Sch\ufffdn", "2"]
    assert (rows[1], rows[3]) == (["Grüße aus Köln", "1"], ["Äpfel", "3"])


def test_what_no_column_of_text_takes_is_shown_as_lost():
    assert read(b"text,key\na\0b,1\n")[1] == ["a\ufffdb", "1"]
    lone = codecs.BOM_UTF16_LE + "text\na".encode("utf-16-le") + b"\x00\xd8" + "b\n".encode("utf-16-le")
    assert "\ufffd" in read(lone)[1][0]


def test_a_quotation_mark_in_the_wrong_place_is_an_error_of_its_row():
    file = io.BytesIO(b'text,key\n"so" she said,1\nfine,2\n"never closed,3\nlost?,4\n')
    rows = list(tables.rows(file, tables.recognised(file)))
    assert [row.number for row in rows] == [1, 2, 3, 4]
    assert "middle" in rows[1].problem
    assert rows[2].cells == ["fine", "2"]
    assert "never closed" in rows[3].problem
    assert "lost?,4" in rows[3].cells[0]


def test_more_cells_than_the_header_is_an_error_of_its_row():
    rows = list(tables.rows(io.BytesIO(b"a,b\n1,2,3\n"), Format("csv", "utf-8", "comma")))
    assert "3 cells, the header has 2" in rows[1].problem


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "empty"),
        (b" \r\n\r\n", "empty"),
        (b"%PDF-1.7 and so on", "not a table"),
        (b",".join([b"a"] * 100_000) + b"\n1\n", "200 columns"),
        (b"text\n" + b"x" * 1_000_001, "line of more than"),
        (b"text\n" + b"x\n" * 10_001, "more than 10,000 rows"),
    ],
)
def test_what_is_no_table_of_posts_is_refused(data, words):
    with pytest.raises(Unreadable, match=words):
        read(data)


def test_ten_thousand_rows_are_read():
    assert len(read(b"text\n" + b"x\n" * 10_000)) == 10_001


def test_a_workbook_is_read_as_text_and_nothing_is_calculated():
    rows = [
        ["text", "n", "day", "at"],
        ["=1+1", 5.0, date(2027, 3, 1), datetime(2027, 3, 1, 9, 30)],
        ["b", 1.5, time(9)],
    ]
    assert read(workbook(rows)) == [
        ["text", "n", "day", "at"],
        ["=1+1", "5", "2027-03-01", "2027-03-01 09:30"],
        ["b", "1.5", "09:00:00"],
    ]


@pytest.mark.parametrize("name", ["a picture", "a document"])
def test_a_zip_that_is_no_workbook_is_refused(name):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as made:
        made.writestr(name, b"x")
    with pytest.raises(Unreadable, match="cannot be read as XLSX"):
        read(file.getvalue())


def test_half_a_workbook_is_refused():
    data = workbook([["text"], ["a"]])
    with pytest.raises(Unreadable, match="cannot be read as XLSX"):
        read(data[: len(data) // 2])


SHEET = b'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>%b</sheetData></worksheet>'
BOMBS = {
    "unpacked": b"<x>" + b" " * 1_010_000 + b"</x>",
    "wide": SHEET % (b"<row>" + b"<c/>" * 2000 + b"</row>"),
    "deep": b"<x>" * 100,
    "strings": b"<sst>" + b"<si/>" * 10_001 + b"</sst>",
    "large_strings": b"<sst><si><t>" + b"x" * 310_000 + b"</t></si></sst>",
    "other_styles": b"<styleSheet>" + b"<xf/>" * 1_001 + b"</styleSheet>",
    "far": SHEET % b'<row r="99999999999"/>',
    "entities": b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;">]><x>&b;</x>',
}


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_is_refused_before_it_is_built(name, monkeypatch):
    """With limits a hundredth of what they are, so that the bombs are small."""
    for limit in ("MOST_UNPACKED", "MOST_STRINGS", "MOST_OTHER"):
        monkeypatch.setattr(workbooks, limit, getattr(workbooks, limit) // 100)
    monkeypatch.setattr(workbooks, "MOST_ELEMENTS", {"sst": 10_000})
    data = workbook([["text"], ["a"]], **{name: BOMBS[name]})
    tracemalloc.start()
    try:
        with pytest.raises(Unreadable):
            read(data)
        assert tracemalloc.get_traced_memory()[1] < 3_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_what_is_exported_is_read_as_it_was(kind):
    rows = [[cell, "end"] for cell in ODD]
    if kind == "csv":
        data = csv_bytes(["text", "end"], rows)
    else:
        file = io.BytesIO()
        xlsx_rows(file, ["text", "end"], rows)
        data = file.getvalue()
    assert read(data)[1:] == rows


@pytest.mark.parametrize("text", ODD)
def test_a_spreadsheet_calculates_nothing_of_it(text):
    assert undefused(defused(text)) == text
    assert not defused(text).startswith(("=", "+", "-", "@", "＝"))


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_memory_stays_flat(kind):
    def most(count: int) -> int:
        rows = [[f"{n}", "A post of the usual length. " * 6 + str(n)] for n in range(count)]
        data = csv_bytes(["key", "text"], rows) if kind == "csv" else _inline(rows)
        file = io.BytesIO(data)
        del rows
        tracemalloc.start()
        try:
            assert sum(1 for _ in tables.rows(file, Format(kind, "utf-8", "comma"))) == count + 1
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    few = most(1_000)
    assert most(10_000) < few + 1_500_000  # openpyxl keeps the husk of each row, 80 bytes


def _inline(rows) -> bytes:
    file = io.BytesIO()
    xlsx_rows(file, ["key", "text"], rows)
    return file.getvalue()
