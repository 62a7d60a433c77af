"""Forms of what stands around a time: blackouts, embargoes, slots."""

from datetime import datetime
from typing import cast

from django import forms

from accounts.models import Person
from channels_registry import networks
from channels_registry.models import Channel
from publishing.forms.fields import WallTimeField
from publishing.models import Campaign, Slot
from publishing.models.slot import DAYS
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


class FeedForm(forms.Form):
    name = forms.CharField(label="Name", max_length=80, help_text="Where you will read it: “My phone”.")
    whole_text = forms.BooleanField(
        label="With the whole text of each post", required=False,
        help_text="Without it the link tells titles, channels and times only. Whoever gets hold of the link reads what "
        "it shows, drafts that nobody has approved yet among it.",
    )  # fmt: skip
