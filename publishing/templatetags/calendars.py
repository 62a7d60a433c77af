"""An entry of a calendar. A month has hundreds, and a template would take ten times as long for each."""

from datetime import datetime

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.timezone import localtime

from publishing.queries.calendar import Entry
from socialops.lib.tags import icon, network_icon

register = template.Library()


@register.simple_tag
def calendar_entry(entry: Entry, crowded: set[int]) -> SafeString:
    """A link with the icon and the word of its state; one that the reader may move says what a script needs for it."""
    at = localtime(entry.at)
    return format_html(
        '<a class="slot {}" href="{}" title="{}, {}: {}"{}>{}<time>{}</time>{}'
        '<span class="what">{}</span><span class="where">{}</span><span class="state">{}</span>{}</a>',
        entry.tone, entry.url, entry.title, entry.channel, entry.words, _movable(entry, at), icon(entry.icon),
        _time(entry, at), network_icon(entry.network), entry.title, entry.channel, entry.words,
        _close() if entry.movable and entry.pk in crowded else "",
    )  # fmt: skip


def _time(entry: Entry, at: datetime) -> SafeString | str:
    said = f"{at:%H:%M}"
    return format_html("{} {}", said, icon("refresh-cw", "Repeats")) if entry.occurrence else said


def _close() -> SafeString:
    return format_html('<span class="close">{}Close to another</span>', icon("triangle-alert"))


def _movable(entry: Entry, at: datetime) -> SafeString | str:
    return format_html(' data-pk="{}" data-at="{}"', entry.pk, at.isoformat()) if entry.movable else ""
