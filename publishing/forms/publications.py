"""When it goes out, where it is to be seen, and why it is taken down."""

from datetime import datetime

from django import forms

from accounts.models import Person
from publishing.forms.fields import WallTimeField, offer_choices, zones
from socialops.lib import wall_clock


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
        offer_choices(self, "time_zone", zones(zone or person.time_zone, person.time_zone))
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
