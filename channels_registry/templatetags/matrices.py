"""Rows of the matrix of people and channels. A page has hundreds of cells, and a template would take ten times as long
for each.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import lru_cache
from html import escape

from django import template
from django.urls import reverse
from django.utils import timezone
from django.utils.safestring import SafeString, mark_safe

from channels_registry.models import Channel
from channels_registry.queries.drift import MARKS
from channels_registry.queries.matrix import Cell, Row
from socialops.lib.tags import avatar, icon, state_tag

register = template.Library()
SHORT = {"undeclared": "not declared", "unseen": "not seen", "differs": "differs"}
OLD_DAYS = 30  # since a door was last seen over there


@register.simple_tag
def matrix_rows(rows: Iterable[Row], columns: Sequence[Channel]) -> SafeString:
    """Each a person and their cells. What others wrote is escaped here."""
    now = timezone.now()
    links = [f"?channel={channel.pk}" for channel in columns]
    names = [escape(channel.name) for channel in columns]
    return mark_safe("".join(_row(row, links, names, now) for row in rows))  # noqa: S308 (see below)


def _row(row: Row, links: list[str], names: list[str], now: datetime) -> str:
    url = reverse("person_access", args=[row.person.pk])
    cells = zip(row.cells, links, names, strict=True)
    return (
        f'<tr><th scope="row"><a class="person" href="{url}">{avatar(row.person)}<b>{escape(row.person.name)}</b></a>'
        f"{_about(row.person)}</th>"
        + "".join(_cell(cell, url + link, name, now) if cell else "<td></td>" for cell, link, name in cells)
        + "</tr>"
    )


def _about(person) -> str:
    if person.gone:
        return str(state_tag("risk", "Left", "door-open"))
    if not person.signs_in:
        return '<span class="mfa muted">no login</span>'
    if person.secured:
        return f'<span class="mfa c-ok">{icon("shield-check")}second factor</span>'
    return f'<span class="mfa c-wait">{icon("shield-alert")}no second factor</span>'


def _cell(cell: Cell, url: str, name: str, now: datetime) -> str:
    strength, here, there = cell.strongest()
    mark = cell.mark()
    return (
        f'<td class="s{strength}"><a href="{url}"><span class="visually-hidden">{name}: </span>'
        f"{f'<b>{here}</b>' if here else ''}{f'<i>{escape(there)}</i>' if there else ''}"
        f"{_marked(mark) if mark else ''}{_proven(cell.proven, now) if there else ''}</a></td>"
    )


@lru_cache(16)
def _marked(mark: str) -> str:
    return f'<span class="mark" title="{MARKS[mark]}">{icon("git-compare")}{SHORT[mark]}</span>'


def _proven(seen: datetime | None, now: datetime) -> str:
    if seen is None:
        return '<small class="c-wait">never proven</small>'
    days = (now - seen).days
    return f"<small{' class=c-wait' if days > OLD_DAYS else ''}>{f'{days} d' if days > 0 else 'today'}</small>"


@register.simple_tag
def narrow_by(name: str, label: str, choices: Iterable[tuple], chosen: object, everything: str) -> SafeString:
    """A select of a list's filters, as components/choice.html draws it; for lists that are long."""
    options = "".join(
        f'<option value="{escape(str(value))}"{" selected" if value == chosen else ""}>{escape(words)}</option>'
        for value, words in choices
    )
    select = f'<select name="{name}" aria-label="{label}"><option value="">{everything}</option>{options}</select>'
    return mark_safe(select)  # noqa: S308 (escaped above)
