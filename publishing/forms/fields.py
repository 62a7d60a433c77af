"""What a form asks for that Django has no field for, and which rows or choices a field offers."""

from collections.abc import Iterable
from datetime import datetime
from typing import cast

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.utils.html import format_html, format_html_join

from publishing.queries.cards import NONE, links_in
from socialops.lib import wall_clock


class WallTimeField(forms.Field):
    """A naive local time, as a clock on the wall shows it. The zone is another field."""

    widget = forms.DateTimeInput(attrs={"type": "datetime-local", "step": 60}, format="%Y-%m-%dT%H:%M")

    def to_python(self, value):
        if not value:
            return None
        if isinstance(value, datetime):
            return value
        try:
            return datetime.fromisoformat(str(value).strip()).replace(tzinfo=None)
        except ValueError as error:
            raise ValidationError("Write the time as 2026-11-23 09:30.") from error

    def prepare_value(self, value):
        return value.strftime("%Y-%m-%dT%H:%M") if isinstance(value, datetime) else value


class TagsField(forms.Field):
    """Words with commas between them."""

    def to_python(self, value):
        return [tag.strip() for tag in value.split(",") if tag.strip()] if isinstance(value, str) else value or []

    def prepare_value(self, value):
        return ", ".join(value) if isinstance(value, list) else value


class TextsInput(forms.Textarea):
    """One text area for each text, and an empty one for the next. static/js/composer.js adds more while one writes."""

    def value_from_datadict(self, data, files, name):
        return data.getlist(name) if hasattr(data, "getlist") else data.get(name, [])

    def render(self, name, value, attrs=None, renderer=None):
        texts = [*(value or []), ""]
        drawn = (
            forms.Textarea({**self.attrs, "rows": 3, "aria-label": f"Post {n + 2} of the thread"}).render(
                name, text, {**(attrs or {}), "id": f"{(attrs or {}).get('id', name)}{f'_{n}' if n else ''}"}
            )
            for n, text in enumerate(texts)
        )
        return format_html(
            '<div class="stack-2" data-grows>{}</div>', format_html_join("", "{}", ((t,) for t in drawn))
        )


class TextsField(forms.Field):
    """Several texts in order; empty ones are none."""

    widget = TextsInput

    def to_python(self, value):
        return [lines(text) for text in value or [] if text.strip()]


class CardLinkField(forms.CharField):
    """Which link of a post its card is drawn of. One that the text does not have counts as the first
    (queries.cards.link_of).
    """

    widget = forms.Select

    def __init__(self) -> None:
        super().__init__(label="Link card", required=False, max_length=2000)

    def offer(self, texts: list[str]) -> bool:
        """The links of these texts. Whether there are any."""
        links = links_in(texts)
        one = [("", "Of the first link" if len(links) > 1 else "Of the link")]
        each = [(link, link[:80]) for link in links] if len(links) > 1 else []
        cast(forms.Select, self.widget).choices = [*one, *each, (NONE, "None")]
        return bool(links)


def offer(form: forms.Form, name: str, rows: QuerySet) -> QuerySet:
    """Offer these rows."""
    cast(forms.ModelChoiceField, form.fields[name]).queryset = rows
    return rows


def offer_choices(form: forms.Form, name: str, choices: list[tuple[str, str]] | None = None) -> list:
    """Offer these choices, or those the field has; read once, and drawn from the same list."""
    field = cast(forms.ChoiceField, form.fields[name])
    if choices is not None:
        field.choices = choices
    offered = list(iter(cast(Iterable, field.choices)))  # without iter they would be counted first
    field.widget.choices = offered
    return offered


def zones(*more: str) -> list[tuple[str, str]]:
    return [(zone, zone.replace("_", " ")) for zone in dict.fromkeys([*more, *wall_clock.time_zones()])]


def lines(text: str) -> str:
    return text.replace("\r\n", "\n")
