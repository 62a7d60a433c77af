"""Tables as files that other programs open. Pure Python.

A cell that a spreadsheet would run as a formula is defused by a leading apostrophe (OWASP ASVS 1.2.10, full-width
signs included), so what is read is what was written.
"""

import csv
import hashlib
import io
import json
from collections.abc import Iterable, Sequence
from typing import Any

_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def csv_bytes(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> bytes:
    """UTF-8 with a byte order mark, since spreadsheets guess wrong without one."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(columns)
    for row in rows:
        writer.writerow([defused(cell) for cell in row])
    return "\ufeff".encode() + text.getvalue().encode()


def json_bytes(value: Any) -> bytes:
    """Indented, keys in order: the same value is always the same bytes."""
    return (json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False, default=str) + "\n").encode()


def defused(cell: Any) -> str:
    text = "" if cell is None else str(cell)
    return f"'{text}" if text.startswith(_FORMULA_STARTS) else text


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
