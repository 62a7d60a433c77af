"""A report on paper: headings, facts, tables, page numbers. Pure Python on reportlab; knows nothing of what it prints.

Names are written in their own script: DejaVu (beside this file) holds Latin, Greek, Cyrillic, Arabic, Hebrew and more;
Chinese, Japanese and Korean are written in the fonts that every PDF reader has for them. What none of them holds is
written as “[U+1F600]”, never as an empty box.
"""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import IO, Any
from xml.sax.saxutils import escape

from reportlab.lib import colors
from reportlab.lib.enums import TA_LEFT
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import KeepTogether, LongTable, Paragraph, SimpleDocTemplate, Spacer, TableStyle

FONTS = Path(__file__).parent / "fonts"
INK, SOFT, LINE, SHADE = (colors.HexColor(each) for each in ("#1b1f24", "#5b6470", "#d5dae0", "#f4f6f8"))
WIDTH = A4[0] - 40 * mm
MOST_LETTERS = 400  # of a cell: what is longer stands whole in the CSV


@dataclass
class Section:
    """A heading, words below it, facts as pairs, and a table. `widths` are shares of the page."""

    title: str
    words: Sequence[str] = ()
    facts: Sequence[tuple[str, Any]] = ()
    columns: Sequence[str] = ()
    rows: Sequence[Sequence[Any]] = ()
    widths: Sequence[float] = ()


@dataclass
class Report:
    title: str
    subtitle: str
    footer: str
    sections: list[Section] = field(default_factory=list)


def write_pdf(file: IO[bytes], report: Report) -> None:
    """Raises nothing for any text: what cannot be written is written as its code point."""
    _fonts()
    document = SimpleDocTemplate(
        file, pagesize=A4, leftMargin=20 * mm, rightMargin=20 * mm, topMargin=20 * mm, bottomMargin=22 * mm,
        title=report.title, author="Socialops", invariant=True,
    )  # fmt: skip
    story: list[Any] = [_text(report.title, "title"), _text(report.subtitle, "soft"), Spacer(0, 6 * mm)]
    for section in report.sections:
        story += _section(section)
    document.build(story, canvasmaker=_numbered(report.footer))


def _section(section: Section) -> list[Any]:
    top: list[Any] = [_text(section.title, "heading"), *(_text(each, "body") for each in section.words)]
    if section.facts:
        rows = [[_text(name, "soft"), _text(value, "body")] for name, value in section.facts]
        top.append(LongTable(rows, colWidths=[WIDTH * 0.3, WIDTH * 0.7], style=_FACTS, hAlign="LEFT"))
    if not section.columns:
        return [KeepTogether(top), Spacer(0, 4 * mm)]
    widths = section.widths or [1 / len(section.columns)] * len(section.columns)
    rows = [[_text(each, "head") for each in section.columns]]
    rows += [[_text(_clipped(cell), "cell") for cell in row] for row in section.rows]
    table = LongTable(rows, colWidths=[WIDTH * each for each in widths], repeatRows=1, style=_TABLE, hAlign="LEFT")
    return [KeepTogether(top), table, Spacer(0, 5 * mm)]


def _clipped(value: Any) -> str:
    text = "" if value is None else str(value)
    return text if len(text) <= MOST_LETTERS else text[: MOST_LETTERS - 1] + "…"


_FACTS = TableStyle([
    ("VALIGN", (0, 0), (-1, -1), "TOP"), ("LEFTPADDING", (0, 0), (-1, -1), 0), ("TOPPADDING", (0, 0), (-1, -1), 1),
    ("BOTTOMPADDING", (0, 0), (-1, -1), 1),
])  # fmt: skip
_TABLE = TableStyle([
    ("VALIGN", (0, 0), (-1, -1), "TOP"), ("BACKGROUND", (0, 0), (-1, 0), SHADE),
    ("LINEBELOW", (0, 0), (-1, -1), 0.4, LINE), ("LEFTPADDING", (0, 0), (-1, -1), 4),
    ("RIGHTPADDING", (0, 0), (-1, -1), 4), ("TOPPADDING", (0, 0), (-1, -1), 3),
    ("BOTTOMPADDING", (0, 0), (-1, -1), 3),
])  # fmt: skip


@cache
def _style(name: str) -> ParagraphStyle:
    size, lead, font, colour, after = {
        "title": (20, 25, "DejaVu-Bold", INK, 4),
        "heading": (12.5, 17, "DejaVu-Bold", INK, 5),
        "body": (9, 13, "DejaVu", INK, 3),
        "soft": (9, 13, "DejaVu", SOFT, 0),
        "head": (7.5, 10, "DejaVu-Bold", INK, 0),
        "cell": (7.5, 10, "DejaVu", INK, 0),
    }[name]
    return ParagraphStyle(
        name, fontName=font, fontSize=size, leading=lead, textColor=colour, spaceAfter=after, alignment=TA_LEFT,
        splitLongWords=True, wordWrap=None,
    )  # fmt: skip


def _text(value: Any, style: str) -> Paragraph:
    bold = style in ("title", "heading", "head")
    return Paragraph(marked("" if value is None else str(value), bold=bold), _style(style))


def marked(text: str, *, bold: bool = False) -> str:
    """The text for reportlab's paragraphs: each stretch in a font that holds it."""
    _fonts()
    runs: list[tuple[str, str]] = []
    for letter in _right_to_left(text):
        font, written = _font_of(letter, bold)
        if runs and runs[-1][0] == font:
            runs[-1] = (font, runs[-1][1] + written)
        else:
            runs.append((font, written))
    plain = "DejaVu-Bold" if bold else "DejaVu"
    return "".join(
        escape(words) if font == plain else f'<font name="{font}">{escape(words)}</font>' for font, words in runs
    ).replace("\n", "<br/>")


def _font_of(letter: str, bold: bool) -> tuple[str, str]:
    name = "DejaVu-Bold" if bold else "DejaVu"
    if letter in "\n " or ord(letter) in pdfmetrics.getFont(name).face.charToGlyph:
        return name, letter
    if ord(letter) in pdfmetrics.getFont("DejaVu").face.charToGlyph:
        return "DejaVu", letter
    if unicodedata.east_asian_width(letter) in "WF" and ord(letter) < 0x1F000:
        return ("HYSMyeongJo-Medium" if "HANGUL" in unicodedata.name(letter, "") else "HeiseiKakuGo-W5"), letter
    if unicodedata.category(letter) in ("Cc", "Cf", "Mn"):
        return name, ""
    return name, f"[U+{ord(letter):04X}]"


@cache
def _fonts() -> None:
    pdfmetrics.registerFont(TTFont("DejaVu", FONTS / "DejaVuSans.ttf"))
    pdfmetrics.registerFont(TTFont("DejaVu-Bold", FONTS / "DejaVuSans-Bold.ttf"))
    for name in ("HeiseiKakuGo-W5", "HYSMyeongJo-Medium"):
        pdfmetrics.registerFont(UnicodeCIDFont(name))


def _numbered(footer: str) -> type[Canvas]:
    class Numbered(Canvas):
        """“Page 2 of 7” needs to know how many there are: the pages are kept until the last one is written."""

        def __init__(self, *args: Any, **more: Any) -> None:
            super().__init__(*args, **more)
            self._kept: list[dict] = []

        def showPage(self) -> None:  # reportlab's name
            self._kept.append(dict(self.__dict__))
            self._startPage()

        def save(self) -> None:
            for number, page in enumerate(self._kept, 1):
                self.__dict__.update(page)
                self.setFont("DejaVu", 7.5)
                self.setFillColor(SOFT)
                self.drawString(20 * mm, 12 * mm, footer)
                self.drawRightString(A4[0] - 20 * mm, 12 * mm, f"Page {number} of {len(self._kept)}")
                super().showPage()
            super().save()

    return Numbered


# --- Arabic and Hebrew: reportlab writes from left to right, letter by letter -----------------------------------------


def _right_to_left(text: str) -> str:
    """Stretches that are read from the right, put into the order and the shapes in which they are written."""
    if not any(unicodedata.bidirectional(letter) in ("R", "AL") for letter in text):
        return text
    done, run = "", ""
    for letter in [*text, ""]:
        kind = unicodedata.bidirectional(letter) if letter else "L"
        if kind in ("R", "AL", "NSM") or (run and kind in ("WS", "CS", "ON")):
            run += letter
            continue
        words = run.rstrip()
        done += _shaped(words)[::-1] + run[len(words) :] + letter
        run = ""
    return done


def _shaped(words: str) -> str:
    """Arabic letters as they look beside their neighbours (Unicode's presentation forms B)."""
    forms, found = _forms(), ""
    for place, letter in enumerate(words):
        mine = forms.get(letter, {})
        before = forms.get(words[place - 1], {}) if place else {}
        after = forms.get(words[place + 1], {}) if place + 1 < len(words) else {}
        joins_before, joins_after = "initial" in before and "final" in mine, "initial" in mine and "final" in after
        shape = {(True, True): "medial", (True, False): "final", (False, True): "initial"}.get(
            (joins_before, joins_after), "isolated"
        )
        found += mine.get(shape, letter)
    return found


@cache
def _forms() -> dict[str, dict[str, str]]:
    forms: dict[str, dict[str, str]] = {}
    for code in [*range(0xFB50, 0xFDFC), *range(0xFE80, 0xFEFD)]:
        shape, *letters = unicodedata.decomposition(chr(code)).split() or [""]
        if len(letters) == 1:
            forms.setdefault(chr(int(letters[0], 16)), {}).setdefault(shape.strip("<>"), chr(code))
    return forms
