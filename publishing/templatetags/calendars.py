"""An entry of a calendar. A month has hundreds, and a template would take ten times as long for each."""

from datetime import datetime

from django import template
from django.utils.html import escape, format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.timezone import localtime

from publishing.queries.calendar import Entry
from socialops.lib.tags import icon, network_icon

register = template.Library()


@register.simple_tag
def calendar_entry(entry: Entry, crowded: set[int]) -> SafeString:
    """A link with the icon and the word of its state; one that the reader may move says what a script needs for it."""
    at, words = localtime(entry.at), entry.words
    what, where = escape(entry.title), escape(entry.channel)
    link = f' href="{escape(entry.url)}"' if entry.url else ""  # the network of one that was made there gave none
    close = _close() if entry.movable and entry.pk in crowded else ""
    return mark_safe(  # noqa: S308 (what others wrote is escaped above, once for each time that it is said)
        f'<a class="slot {entry.tone}"{link} title="{what}, {where}: {words}"{_movable(entry, at)}>'
        f"{icon(entry.icon)}<time>{_time(entry, at)}</time>{network_icon(entry.network)}"
        f'<span class="what">{what}</span><span class="where">{where}</span><span class="state">{words}</span>'
        f"{close}</a>"
    )


def _time(entry: Entry, at: datetime) -> SafeString | str:
    said = f"{at:%H:%M}"
    return format_html("{} {}", said, icon("refresh-cw", "Repeats")) if entry.occurrence else said


def _close() -> SafeString:
    return format_html('<span class="close">{}Close to another</span>', icon("triangle-alert"))


def _movable(entry: Entry, at: datetime) -> SafeString | str:
    return mark_safe(f' data-pk="{entry.pk}" data-at="{at.isoformat()}"') if entry.movable else ""  # noqa: S308 (ours)
