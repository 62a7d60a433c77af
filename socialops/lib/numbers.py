"""Whole numbers that come as text: ids in addresses and forms, places to go on from."""

LONGEST = 17  # digits; the largest bigint has 19


def number(text: str | None) -> int | None:
    """None for what is no whole number, or is too long for any column: 5 for "5", None for "", "-1" and "9" * 40."""
    return int(text) if text and text.isdecimal() and len(text) <= LONGEST else None


def numbers(texts: list[str]) -> list[int]:
    """Those among them, in their order."""
    return [found for found in map(number, texts) if found is not None]
