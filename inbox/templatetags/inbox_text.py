"""What strangers wrote, as text and nothing else."""

import re
from urllib.parse import urlsplit

from django import template
from django.utils.html import conditional_escape, format_html, format_html_join
from django.utils.safestring import SafeString

register = template.Library()

LINK = re.compile(r"(https?://[^\s<>\"'`{}|\\^\[\]]{1,2000})", re.IGNORECASE)
LINKS_AT_MOST = 50
TRAILING = ".,:;!?)»”’"


@register.filter
def linked(text: str) -> SafeString:
    """The text with its web addresses as links that tell the other side nothing; everything else is escaped."""
    pieces = LINK.split(str(text), maxsplit=LINKS_AT_MOST)
    return format_html_join("", "{}", ((_link(piece) if at % 2 else piece,) for at, piece in enumerate(pieces)))


@register.filter
def web_address(url: str) -> str:
    """The address if it leads to the web, else nothing: no javascript:, no data:."""
    try:
        parts = urlsplit(str(url).strip())
    except ValueError:
        return ""
    return parts.geturl() if parts.scheme in ("http", "https") and parts.netloc else ""


def _link(found: str) -> SafeString:
    bare = found.rstrip(TRAILING)
    address = web_address(bare)
    if not address:
        return conditional_escape(found)
    rest = found[len(bare) :]
    return format_html(
        '<a class="link" href="{}" rel="noopener noreferrer nofollow ugc" target="_blank">{}</a>{}', address, bare, rest
    )
