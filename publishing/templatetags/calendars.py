"""Entries of a calendar. A month has more than a hundred, and a template would take ten times as long for each."""

from collections.abc import Iterable
from datetime import datetime
from html import escape

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.timezone import get_current_timezone

from publishing.queries.entries import Entry
from socialops.lib.tags import icon, network_icon

register = template.Library()


@register.simple_tag
def calendar_entries(entries: Iterable[Entry]) -> SafeString:
    """Each a link with the icon and the word of its state; one that the reader may move says what a script needs for
    it. Times are the reader's.
    """
    zone = get_current_timezone()
    return mark_safe("".join(_drawn(entry, entry.at.astimezone(zone)) for entry in entries))  # noqa: S308 (see below)


@register.simple_tag
def calendar_entry(entry: Entry) -> SafeString:
    return calendar_entries([entry])


def _drawn(entry: Entry, at: datetime) -> str:
    """What others wrote is escaped here, once for each time that it is said."""
    words, what, where, url = entry.words, escape(entry.title), escape(entry.channel), entry.url
    link = f' href="{escape(url)}"' if url else ""  # the network of one that was made there gave none
    moves = f' data-pk="{entry.pk}" data-at="{at.isoformat()}"' if entry.movable else ""
    return (
        f'<a class="slot {entry.tone}"{link} title="{what}, {where}: {words}"{moves}>'
        f"{icon(entry.icon)}<time>{at:%H:%M}{_repeats() if entry.occurrence else ''}</time>"
        f'{network_icon(entry.network)}<span class="what">{what}</span><span class="where">{where}</span>'
        f'<span class="state">{words}</span>{_close() if entry.movable and entry.crowded else ""}</a>'
    )


def _repeats() -> SafeString:
    return format_html(" {}", icon("refresh-cw", "Repeats"))


def _close() -> SafeString:
    return format_html('<span class="close">{}Close to another</span>', icon("triangle-alert"))
