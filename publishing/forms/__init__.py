"""What people fill in. The rules are in the verbs; forms read and keep what was typed."""

from collections.abc import Iterable
from datetime import datetime
from itertools import groupby
from typing import Any, cast

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import Q, QuerySet
from django.http import QueryDict
from django.utils.html import format_html, format_html_join

from accounts.models import Person
from channels_registry import permissions as channel_permissions
from channels_registry.models import Channel
from publishing.models import Campaign, Remit
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


def _rows(form: forms.Form, name: str, rows: QuerySet) -> QuerySet:
    """Offer these rows."""
    cast(forms.ModelChoiceField, form.fields[name]).queryset = rows
    return rows


def _may(person: Person, right: str) -> Q:
    return Q(pk__in=channel_permissions.channels_with(person, right).values("pk"))


def _choices(form: forms.Form, name: str, choices: list[tuple[str, str]] | None = None) -> list:
    """Offer these choices, or those the field has; read once, and drawn from the same list."""
    field = cast(forms.ChoiceField, form.fields[name])
    if choices is not None:
        field.choices = choices
    offered = list(iter(cast(Iterable, field.choices)))  # without iter they would be counted first
    field.widget.choices = offered
    return offered


def _zones(*more: str) -> list[tuple[str, str]]:
    return [(zone, zone.replace("_", " ")) for zone in dict.fromkeys([*more, *wall_clock.time_zones()])]


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
        return [_lines(text) for text in value or [] if text.strip()]


class PostForm(forms.Form):
    """The composer: the master, the channels, and each channel's own text (empty inherits the master) and placement."""

    text = forms.CharField(
        label="What do you want to say?", strip=False,
        widget=forms.Textarea(attrs={"rows": 8, "class": "master"}),
    )  # fmt: skip
    title = forms.CharField(
        label="Title", required=False, max_length=140, help_text="For finding it here. It is never published."
    )
    why_now = forms.CharField(
        label="Why now?", required=False, max_length=300, help_text="One sentence for the person who approves it."
    )
    channels = forms.ModelMultipleChoiceField(
        Channel.objects.none(), label="Channels", required=False, widget=forms.CheckboxSelectMultiple
    )
    campaign = forms.ModelChoiceField(
        Campaign.objects.none(), required=False, empty_label="None", help_text="What it adds to links is shown at once."
    )
    tags = TagsField(required=False, help_text="For finding it here, with commas between. They are never published.")
    expected_revision = forms.IntegerField(widget=forms.HiddenInput, required=False, min_value=0, max_value=2**31 - 1)
    tab = forms.UUIDField(widget=forms.HiddenInput, required=False)  # which page this is; a script says so
    restored = forms.IntegerField(widget=forms.HiddenInput, required=False)  # the unsaved text that stands here

    def __init__(self, *args, person: Person, chosen: list[Channel] | None = None, **kwargs):
        super().__init__(*args, **kwargs)
        own = Channel.objects.filter(pk__in=[c.pk for c in chosen or []])
        offered = channel_permissions.channels_with(person, "draft").exclude(state="archived") | own
        rights = {f"may_{right}": _may(person, right) for right in ("draft", "publish")}
        self.offered = _rows(self, "channels", offered.annotate(**rights).order_by("network", "name"))
        standing = str(self["campaign"].value() or "")
        its = Q(pk=int(standing)) if standing.isdecimal() and len(standing) < 18 else Q(pk=None)
        _rows(self, "campaign", Campaign.objects.filter(Q(archived_at=None) | its).order_by("name"))
        for channel in self.asked_for(chosen or []):
            self.fields[f"variant_{channel.pk}"] = forms.CharField(
                label=f"Another text for {channel.name}",
                required=False,
                strip=False,
                widget=forms.Textarea(attrs={"rows": 4}),
            )
            limits = channel.connector.limits
            if limits.thread:
                self.fields[f"thread_{channel.pk}"] = TextsField(label="Then, as a thread", required=False)
            if limits.first_comment:
                self.fields[f"comment_{channel.pk}"] = forms.CharField(
                    label="First comment", required=False, strip=False, widget=forms.Textarea(attrs={"rows": 2}),
                    help_text="It goes out under the post, as soon as that is out.",
                )  # fmt: skip
            places = [(place.slug, place.label) for place in channel.connector.placements]
            if len(places) > 1:
                self.fields[f"placement_{channel.pk}"] = forms.ChoiceField(
                    label=f"Where on {channel.name}", required=False, choices=places
                )

    @property
    def channel_groups(self) -> list[tuple[str, list[tuple[Channel, bool]]]]:
        """The channels that may be ticked, with whether they are, by network; those with a tick come first."""
        ticked = {str(pk) for pk in self["channels"].value() or []}
        rows = ((channel, str(channel.pk) in ticked) for channel in self.offered)
        groups = ((network, list(group)) for network, group in groupby(rows, lambda row: row[0].network))
        first = [(network, sorted(group, key=lambda row: not row[1])) for network, group in groups]
        return sorted(first, key=lambda group: not group[1][0][1])

    def asked_for(self, chosen: list[Channel]) -> list[Channel]:
        """The channels whose own text may come with this form: those of the post, and those just ticked."""
        if not self.is_bound:
            return chosen
        ticked = [pk for pk in cast(QueryDict, self.data).getlist("channels") if pk.isdecimal() and len(pk) < 18]
        known = {c.pk: c for c in chosen}
        return list((known | {c.pk: c for c in self.offered.filter(pk__in=ticked)}).values())

    @property
    def own_texts(self) -> dict[int, str | None]:
        """By channel id, for the channels that are ticked. None inherits, as does the one whose button says so."""
        again = self.data.get("inherit", "")
        texts = {pk: "" if str(pk) == again else text for pk, text in self._own("variant").items()}
        return {pk: _lines(text) if text.strip() else None for pk, text in texts.items()}

    @property
    def own(self) -> dict[str, dict]:
        """What else a ticked channel has of its own, as the verbs take it."""
        return {
            "placements": {pk: chosen for pk, chosen in self._own("placement").items() if chosen},
            "threads": self._own("thread"),
            "first_comments": {pk: _lines(text) for pk, text in self._own("comment").items()},
        }

    def _own(self, kind: str) -> dict[int, Any]:
        named = {channel.pk: f"{kind}_{channel.pk}" for channel in self.cleaned_data["channels"]}
        return {pk: self.cleaned_data[name] for pk, name in named.items() if name in self.cleaned_data}

    @property
    def written(self) -> dict[str, list[str]]:
        """Everything that stands in the fields, to be kept as it is."""
        data = cast(QueryDict, self.data)
        return {name: data.getlist(name) for name in self.fields if name in data and name not in ("tab", "restored")}

    def clean_text(self) -> str:
        return _lines(self.cleaned_data["text"])


def _lines(text: str) -> str:
    return text.replace("\r\n", "\n")


class SubmissionForm(forms.Form):
    asked_of = forms.ModelChoiceField(
        Person.objects.none(), label="Who should decide?", empty_label="Choose a person",
        help_text="People who may approve on every channel of this post, and had no hand in it.",
    )  # fmt: skip
    question = forms.ChoiceField(
        label="What do you ask them to confirm?",
        choices=Remit.choices,
        widget=forms.RadioSelect,
        initial="facts",
    )
    boosted = forms.BooleanField(
        label="It will be promoted for money", required=False, help_text="Others may have to agree then."
    )
    override = forms.CharField(
        label="Why are these words right?", required=False, max_length=500, widget=forms.Textarea(attrs={"rows": 2}),
        help_text="Whoever decides reads it, and it stays in the trail.",
    )  # fmt: skip
    wanted = WallTimeField(label="When should it go out?", required=False)
    time_zone = forms.ChoiceField(label="Time zone", required=False)
    earliest = WallTimeField(label="Not before", required=False)
    latest = WallTimeField(label="Not after", required=False)

    def __init__(self, *args, approvers, person: Person, **kwargs):
        """`approvers` is None where a workflow says who is asked."""
        super().__init__(*args, **kwargs)
        self.nobody = False
        if approvers is None:
            del self.fields["asked_of"], self.fields["question"]
        else:
            _rows(self, "asked_of", approvers)
            self.nobody = len(_choices(self, "asked_of")) == 1  # only “Choose a person”
        _choices(self, "time_zone", _zones(person.time_zone))

    def clean(self) -> None:
        ends = [self.cleaned_data.get("earliest"), self.cleaned_data.get("latest")]
        if any(ends) and not all(ends):
            self.add_error("earliest" if ends[1] else "latest", "Give both ends, or neither.")

    def asked(self) -> dict:
        """What the verb takes."""
        said, ends = self.cleaned_data, (self._instant("earliest"), self._instant("latest"))
        return {
            "asked_of": said.get("asked_of"), "question": said.get("question") or "facts", "boosted": said["boosted"],
            "wanted_at": self._instant("wanted"), "window": ends if all(ends) else None,
            "override": said["override"],
        }  # fmt: skip

    def _instant(self, name: str) -> datetime | None:
        wall = self.cleaned_data.get(name)
        return wall_clock.read(wall, self.cleaned_data["time_zone"] or "UTC").instant if wall else None


class DecisionForm(forms.Form):
    revision_hash = forms.CharField(widget=forms.HiddenInput, max_length=64)
    stage = forms.IntegerField(widget=forms.HiddenInput, required=False, min_value=1, max_value=2**63 - 1)
    note = forms.CharField(
        label="Note to the author", required=False, widget=forms.Textarea(attrs={"rows": 3}),
        help_text="Needed when you ask for a change or reject.",
    )  # fmt: skip


class TimeForm(forms.Form):
    """A wall time with its zone. `fold` matters only where clocks go back."""

    wall_time = WallTimeField(label="Date and time")
    time_zone = forms.ChoiceField(label="Time zone")
    fold = forms.TypedChoiceField(
        label="If clocks go back over this time", required=False, coerce=int, empty_value="0",
        choices=[(0, "The first of the two"), (1, "The second of the two")],
    )  # fmt: skip

    def __init__(self, *args, person: Person, zone: str = "", **kwargs):
        super().__init__(*args, **kwargs)
        _choices(self, "time_zone", _zones(zone or person.time_zone, person.time_zone))
        self.fields["time_zone"].initial = zone or person.time_zone

    def instant(self) -> datetime:
        said = self.cleaned_data
        return wall_clock.read(said["wall_time"], said["time_zone"], said["fold"]).instant


class MoveForm(forms.Form):
    """What a calendar says of a drop: a wall time of the reader's zone, and when it was due as they saw it."""

    to = WallTimeField()
    zone = forms.CharField(max_length=64, validators=[wall_clock.known_time_zone])
    fold = forms.IntegerField(min_value=0, max_value=1, required=False)
    seen = forms.DateTimeField(required=False)


class AddressForm(forms.Form):
    url = forms.URLField(
        label="Its address on the network", max_length=600, assume_scheme="https",
        help_text="Open the channel, find the post, copy its link.",
    )  # fmt: skip


class DeletionForm(forms.Form):
    why = forms.CharField(label="Why?", max_length=300, help_text="It stays in the trail.")
