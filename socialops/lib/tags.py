"""The words of the templates: small tags that every page uses. Builtins (settings.TEMPLATES), so nothing loads them.

No inline style anywhere: the content security policy forbids it. What varies is a class, or an attribute of an SVG.
"""

import re
import zlib
from datetime import datetime, timedelta
from functools import lru_cache
from pathlib import Path

from django import template
from django.contrib.staticfiles import finders
from django.templatetags.static import static
from django.utils import timezone
from django.utils.html import conditional_escape, format_html
from django.utils.safestring import SafeString, mark_safe

register = template.Library()

SHORT, TENTHS = 90, 10  # seconds: told as seconds, and with tenths
TONES = {
    "ok": "check",
    "wait": "clock",
    "risk": "triangle-alert",
    "held": "hand",
    "unsure": "circle-question-mark",
    "accent": "",
    "sched": "clock",
    "plain": "",
}
# How a delivery's state is shown: its tone; the words are the state's own.
DELIVERY_TONES = {
    "scheduled": "sched",
    "sending": "plain",
    "unknown": "unsure",
    "needs_human": "unsure",
    "done": "ok",
    "failed": "risk",
    "held": "held",
    "blocked": "risk",
    "missed": "risk",
    "cancelled": "plain",
}


@register.simple_tag
@lru_cache(256, typed=True)  # a page draws hundreds; what is safe and what is not are two
def icon(name: str, label: str = "") -> SafeString:
    """A line icon of static/icons.svg, hidden from screen readers unless it has a label of its own."""
    shapes = _icons()
    if name not in shapes:
        raise template.TemplateSyntaxError(f"there is no icon “{name}” in static/icons.svg")
    if label:
        opening = format_html('<svg class="icon" viewBox="0 0 24 24" role="img" aria-label="{}">', label)
    else:
        opening = mark_safe('<svg class="icon" viewBox="0 0 24 24" aria-hidden="true">')
    return opening + mark_safe(shapes[name] + "</svg>")  # noqa: S308 (our own file)


@register.simple_tag
def avatar(person: object, size: str = "") -> SafeString:
    """Initials on a colour that stays with the name. `person` is a Person or a name; `size` "" , "l" or "xl".
    Decorative: the name stands beside it.
    """
    name = str(person or "?").strip()
    hue = zlib.crc32(name.encode()) % 12
    return format_html('<span class="avatar {} h{}" aria-hidden="true">{}</span>', size, hue, _initials(name))


@register.simple_tag
@lru_cache(128, typed=True)
def network_icon(slug: str, size: str = "") -> SafeString:
    """The network's picture (static/networks/<slug>.svg), or its first letters until it has one."""
    name = network_name(slug)
    if _network_file(slug):
        picture = format_html('<img src="{}" alt="{}">', static(f"networks/{slug}.svg"), name)
        return format_html('<span class="net {}" title="{}">{}</span>', size, name, picture)
    return format_html(
        '<span class="net {}" title="{}" role="img" aria-label="{}">{}</span>', size, name, name, name[:1]
    )


@register.filter
def network_name(slug: str) -> str:
    """The name as its owner writes it: the <title> of its picture, else the slug with a capital."""
    return _network_title(slug) or slug.replace("_", " ").capitalize()


@register.simple_tag
def state_tag(tone: str, words: str, icon_name: str | None = None) -> SafeString:
    """A state: colour, icon and word together. Tones: ok, wait, risk, held, unsure, accent, plain."""
    if tone not in TONES:
        raise template.TemplateSyntaxError(f"there is no tone “{tone}”; there are {', '.join(TONES)}")
    name = TONES[tone] if icon_name is None else icon_name
    return format_html('<span class="tag {}">{}{}</span>', tone, icon(name) if name else "", words)


@register.simple_tag
def delivery_tag(delivery) -> SafeString:
    """The state of anything that is delivered (a publication, a reply, a revocation)."""
    return state_tag(DELIVERY_TONES.get(delivery.state, "plain"), delivery.get_state_display())


@register.simple_tag
def clock(when: datetime | None, otherwise: str = "") -> SafeString | str:
    """A moment, both ways: “in 48 min, 10:30 CET”. In the reader's zone, which is named."""
    if not when:
        return otherwise
    parts = (_iso(when), relative(when), absolute(when))
    return format_html('<time class="when" datetime="{}">{}, <span class="abs">{}</span></time>', *parts)


@register.simple_tag
def moment(when: datetime | None, otherwise: str = "") -> SafeString | str:
    """A moment as a date and time with its zone; how long ago it is stands in the title."""
    if not when:
        return otherwise
    return format_html('<time datetime="{}" title="{}">{}</time>', _iso(when), relative(when), absolute(when))


@register.simple_tag
def countdown(due: datetime | None, since: datetime | None = None, otherwise: str = "no clock") -> SafeString:
    """Time that runs out, with a bar that shrinks from `since` (default: a day before) to `due`."""
    if not due:
        return format_html('<span class="clock none">{}</span>', otherwise)
    now = timezone.now()
    whole = (due - (since or due - timedelta(days=1))).total_seconds() or 1
    left = (due - now).total_seconds()
    share = round(100 * min(1.0, max(0.0, left / whole)))
    tone = "risk" if left < 3600 else "wait" if left < 6 * 3600 else "ok"
    words = f"{span_words(-left)} late" if left < 0 else span_words(left)
    bar = mark_safe(f'<svg aria-hidden="true"><rect width="{share}%" height="3"/></svg>')  # noqa: S308 (a number)
    return format_html(
        '<span class="clock {}"><time datetime="{}" title="{}">{}</time>{}</span>',
        tone,
        _iso(due),
        absolute(due),
        words,
        bar,
    )


@register.inclusion_tag("components/field.html")
def field(bound, label: str = "", help: str | None = None) -> dict:
    """A form field whole: label, help, what is wrong with it, the input; tied together for screen readers."""
    kind = getattr(bound.field.widget, "input_type", "")
    if kind in ("email", "password"):
        bound.field.widget.attrs.pop("placeholder", None)  # allauth repeats the label there
    grouped = bound.use_fieldset and not bound.is_hidden
    return {
        "field": bound,
        "label": label or bound.label,
        "help": bound.help_text if help is None else help,
        "check": kind == "checkbox" and not grouped,
        "grouped": grouped,
        # Said only where another field is needed: in a filter or a draft, where all are optional, it would be noise.
        "optional": not bound.field.required
        and any(each.required and not each.widget.is_hidden for each in bound.form.fields.values()),
    }


@register.inclusion_tag("components/errors.html")
def errors(form) -> dict:
    """The summary on top of a form that was not accepted: each line links to its field."""
    return {"form": form, "fields": [bound for bound in form if bound.errors] if form.is_bound else []}


@register.filter
def undo_url(message) -> str:
    """The address that takes a message's action back: `messages.success(request, "…", extra_tags="undo:/path/")`."""
    tags = message.extra_tags or ""
    return tags.removeprefix("undo:") if tags.startswith("undo:") else ""


@register.filter
def number(value: int | None) -> str:
    """With commas: 84,112."""
    return "" if value is None else f"{value:,}"


@register.filter
def clip(text: str, length: int) -> str:
    """The text cut at a word, with an ellipsis."""
    text = " ".join(str(text).split())
    return text if len(text) <= length else text[: length - 1].rsplit(" ", 1)[0].rstrip(",.;:") + "…"


@register.filter
def relative(when: datetime) -> str:
    """“in 48 min”, “3 h ago”, “now”."""
    left = (when - timezone.now()).total_seconds()
    if abs(left) < 45:
        return "now"
    return f"in {span_words(left)}" if left > 0 else f"{span_words(-left)} ago"


@register.filter
def span(value: timedelta) -> str:
    """How long something took: "0.6 s", "41 s", "12 min"."""
    seconds = value.total_seconds()
    if seconds < SHORT:
        return f"{max(seconds, 0):.1f} s" if seconds < TENTHS else f"{seconds:.0f} s"
    return span_words(seconds)


def absolute(when: datetime) -> str:
    """“10:30 CET” today, “Fri 20 Nov, 17:00 CET” else; the year only where it is another one."""
    local, today = timezone.localtime(when), timezone.localdate()
    hour = f"{local:%H:%M} {local.tzname()}"
    if local.date() == today:
        return hour
    year = "" if local.year == today.year else f" {local.year}"
    return f"{local:%a} {local.day} {local:%b}{year}, {hour}"


def span_words(seconds: float) -> str:
    """A length of time in the two units that matter: “48 min”, “3 h 10”, “2 days”."""
    minutes = round(seconds / 60)
    if minutes < 1:
        return "1 min"
    if minutes < 60:
        return f"{minutes} min"
    if minutes < 24 * 60:
        hours, rest = divmod(minutes, 60)
        return f"{hours} h {rest:02}" if rest and hours < 10 else f"{hours} h"
    days = round(minutes / 1440)
    return f"{days} day{'s' * (days != 1)}"


def _iso(when: datetime) -> str:
    return timezone.localtime(when).isoformat(timespec="seconds")


def _initials(name: str) -> str:
    words = [word for word in re.split(r"[\s._@-]+", name) if word]
    letters = words[0][0] + (words[-1][0] if len(words) > 1 else words[0][1:2]) if words else "?"
    return conditional_escape(letters.upper())


@lru_cache(maxsize=1)
def _icons() -> dict[str, str]:
    source = finders.find("icons.svg")
    if not source:
        raise FileNotFoundError("static/icons.svg is missing; the pages draw their icons from it")
    text = Path(source).read_text()
    return dict(re.findall(r'<symbol id="([\w-]+)"[^>]*>(.*?)</symbol>', text))


@lru_cache(maxsize=64)
def _network_file(slug: str) -> str:
    return finders.find(f"networks/{slug}.svg") or "" if re.fullmatch(r"[a-z0-9_]+", slug or "") else ""


@lru_cache(maxsize=64)
def _network_title(slug: str) -> str:
    path = _network_file(slug)
    found = re.search(r"<title>([^<]+)</title>", Path(path).read_text()) if path else None
    return found.group(1).strip() if found else ""
