"""Forms of what stands around a time: blackouts, embargoes, slots, notes, views and links of the calendar."""

from datetime import datetime
from typing import Any, cast

from django import forms

from accounts.models import Person
from channels_registry import networks
from channels_registry.models import Channel
from publishing.forms.campaigns import DAY
from publishing.forms.fields import WallTimeField, offer, offer_choices, zones
from publishing.models import Campaign, Note, Recurrence, Slot
from publishing.models.slot import DAYS
from publishing.queries import repeats
from socialops.lib import wall_clock


class BlackoutForm(forms.Form):
    """`scope` is "everything", "network:<slug>", "channel:<id>" or "campaign:<id>". Times in the person's zone."""

    scope = forms.ChoiceField(label="What is to be quiet?")
    starts_at = WallTimeField(label="From")
    ends_at = WallTimeField(label="Until")
    reason = forms.CharField(label="Why?", max_length=200, help_text="Whoever is refused a time reads it.")

    def __init__(self, *args, person: Person, channels: list[Channel], whole: bool, **kwargs):
        super().__init__(*args, **kwargs)
        self.zone = person.time_zone
        self.channels = {str(channel.pk): channel for channel in channels}
        self.campaigns = {str(one.pk): one for one in Campaign.objects.filter(archived_at=None)} if whole else {}
        wide = [("everything", "Everything"), *((f"network:{s}", networks.network(s).label) for s in networks.slugs())]
        scopes = [
            *(wide if whole else []),
            *((f"channel:{pk}", str(channel)) for pk, channel in self.channels.items()),
            *((f"campaign:{pk}", f"Campaign {campaign}") for pk, campaign in self.campaigns.items()),
        ]
        cast(forms.ChoiceField, self.fields["scope"]).choices = scopes

    def clean_starts_at(self) -> datetime:
        return wall_clock.read(self.cleaned_data["starts_at"], self.zone).instant

    def clean_ends_at(self) -> datetime:
        return wall_clock.read(self.cleaned_data["ends_at"], self.zone).instant

    def scoped(self) -> dict:
        kind, _, value = self.cleaned_data["scope"].partition(":")
        found = {"network": value, "channel": self.channels.get(value), "campaign": self.campaigns.get(value)}
        return {kind: found[kind]} if kind in found else {}


class EmbargoForm(forms.Form):
    until = WallTimeField(label="Not before")
    reason = forms.CharField(label="Why?", max_length=200, help_text="Whoever is refused a time reads it.")

    def __init__(self, *args, zone: str, **kwargs):
        super().__init__(*args, **kwargs)
        self.zone = zone

    def clean_until(self) -> datetime:
        return wall_clock.read(self.cleaned_data["until"], self.zone).instant


class SlotForm(forms.Form):
    weekday = forms.TypedChoiceField(label="Day", coerce=int, choices=list(enumerate(DAYS)))
    at = forms.TimeField(label="Time", widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M"))

    @classmethod
    def of(cls, slot: Slot) -> "SlotForm":
        return cls(initial={"weekday": slot.weekday, "at": slot.at}, prefix=f"slot{slot.pk}")


class RepetitionForm(forms.Form):
    """At most once a day, and with an end."""

    starts = WallTimeField(label="First time")
    time_zone = forms.ChoiceField(label="Time zone")
    often = forms.ChoiceField(
        label="How often?",
        choices=[
            ("DAILY", "By days"), ("WEEKLY", "By weeks"), ("MONTHLY", "By months, on the day of the first time"),
            ("LAST", "By months, on the last day"),
        ],
    )  # fmt: skip
    interval = forms.IntegerField(label="Every how many of them?", min_value=1, max_value=99, initial=1)
    days = forms.MultipleChoiceField(
        label="On these days of the week", required=False, choices=list(repeats.DAYS.items()),
        widget=forms.CheckboxSelectMultiple, help_text="By weeks only. None: on the day of the first time.",
    )  # fmt: skip
    times = forms.IntegerField(label="How many times?", required=False, min_value=1, max_value=repeats.MOST)
    until = forms.DateField(
        label="Or until which day?", required=False, widget=forms.DateInput(attrs=DAY, format="%Y-%m-%d")
    )

    def __init__(self, *args, person: Person, recurrence: Recurrence | None = None, **kwargs):
        if recurrence:
            kwargs["initial"] = self._told(recurrence)
        super().__init__(*args, **kwargs)
        zone = recurrence.time_zone if recurrence else person.time_zone
        offer_choices(self, "time_zone", zones(zone, person.time_zone))
        self.fields["time_zone"].initial = zone

    @staticmethod
    def _told(recurrence: Recurrence) -> dict[str, Any]:
        """Its rule, as somebody would fill it in."""
        parts = repeats.parts_of(recurrence.rule)
        return {
            "starts": recurrence.starts.replace(tzinfo=None), "interval": parts.get("INTERVAL", 1),
            "often": "LAST" if "BYMONTHDAY" in parts else parts["FREQ"], "times": parts.get("COUNT", ""),
            "days": [day for day in parts.get("BYDAY", "").split(",") if day],
            "until": datetime.fromisoformat(parts["UNTIL"]).date() if "UNTIL" in parts else "",
        }  # fmt: skip

    def rule(self) -> str:
        """As RFC 5545 writes it."""
        said = self.cleaned_data
        last = said["often"] == "LAST"
        parts = {
            "FREQ": "MONTHLY" if last else said["often"], "INTERVAL": said["interval"] if said["interval"] > 1 else "",
            "BYDAY": ",".join(said["days"]) if said["often"] == "WEEKLY" else "", "BYMONTHDAY": "-1" if last else "",
            "COUNT": said["times"] or "", "UNTIL": f"{said['until']:%Y%m%d}T235959" if said["until"] else "",
        }  # fmt: skip
        return ";".join(f"{name}={value}" for name, value in parts.items() if value)


class NoteForm(forms.Form):
    title = forms.CharField(label="Note", max_length=80, help_text="“Spring collection arrives”")
    first = forms.DateField(label="First day", widget=forms.DateInput(attrs=DAY, format="%Y-%m-%d"))
    last = forms.DateField(label="Last day", required=False, widget=forms.DateInput(attrs=DAY, format="%Y-%m-%d"))
    colour = forms.ChoiceField(label="Colour", choices=Note.Colour.choices, required=False)
    campaign = forms.ModelChoiceField(
        Campaign.objects.none(), label="Whose?", required=False, empty_label="Everybody who plans"
    )

    def __init__(self, *args, note: Note | None = None, **kwargs):
        if note:
            kwargs["initial"] = {name: getattr(note, name) for name in self.base_fields}
        super().__init__(*args, **kwargs)
        offer(self, "campaign", Campaign.objects.filter(archived_at=None).order_by("name"))

    def clean_colour(self) -> str:
        return self.cleaned_data["colour"] or Note.Colour.GREY


class SavedViewForm(forms.Form):
    name = forms.CharField(label="Name", max_length=60, help_text="A name that you use already replaces that view.")
    shared = forms.BooleanField(
        label="Share it with everybody", required=False, help_text="Each sees in it what they may see, and no more."
    )


class FeedForm(forms.Form):
    name = forms.CharField(label="Name", max_length=80, help_text="Where you will read it: “My phone”.")
    whole_text = forms.BooleanField(
        label="With the whole text of each post", required=False,
        help_text="Without it the link tells titles, channels and times only. Whoever gets hold of the link reads what "
        "it shows, drafts that nobody has approved yet among it.",
    )  # fmt: skip
