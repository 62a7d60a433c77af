import re
from datetime import datetime

from django import forms
from django.db.models.functions import Lower

from accounts.models import Person, Team
from socialops.lib.wall_clock import FIRST_YEAR, database_now, time_zones


class AccessExportForm(forms.Form):
    """The moment the evidence speaks of; empty means now."""

    at = forms.DateTimeField(
        label="At which moment",
        required=False,
        help_text="Leave empty for now. In your own time zone.",
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
        error_messages={"invalid": "Write a date and a time, such as 2026-05-03 14:00."},
    )

    def clean_at(self):
        at = self.cleaned_data["at"]
        if at and at.year < FIRST_YEAR:
            raise forms.ValidationError("Nobody could reach anything then. Check the year.")
        if at and at > database_now():
            raise forms.ValidationError("This moment lies ahead. Evidence speaks of now or of the past.")
        return at


class AcceptanceForm(forms.Form):
    reason = forms.CharField(
        label="Why it cannot be proven, and what was tried",
        widget=forms.Textarea(attrs={"rows": 3}),
        error_messages={"required": "Say what was tried and why it cannot be proven."},
    )


class SuccessorForm(forms.Form):
    """Somebody who is here, by their address: of 10,000 people nobody picks one from a list."""

    email = forms.EmailField(label="E-mail of who takes over")

    def clean_email(self):
        person = Person.objects.present().filter(email__iexact=self.cleaned_data["email"]).first()
        if person is None:
            raise forms.ValidationError("Nobody who works here has this address. Check it.")
        self.cleaned_data["successor"] = person
        return self.cleaned_data["email"]


def _zones() -> list[tuple[str, str]]:
    return [(zone, zone.replace("_", " ")) for zone in time_zones()]


class BatchForm(forms.Form):
    """A team, addresses, or both; and the minute, as a departure has it."""

    name = forms.CharField(max_length=120, label="Who they are", help_text="Such as the name of the agency.")
    team = forms.ModelChoiceField(Team.objects.none(), label="Everybody in this team", required=False)
    people = forms.CharField(
        label="And these people", required=False, widget=forms.Textarea(attrs={"rows": 6, "spellcheck": "false"}),
        help_text="Their e-mail addresses, one a line or with commas.",
    )  # fmt: skip
    date = forms.DateField(
        label="Last day of all of them", widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )
    time = forms.TimeField(label="Time", widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M"))
    time_zone = forms.ChoiceField(label="Time zone", choices=_zones)
    reason = forms.CharField(
        max_length=200, label="Reason", required=False, help_text="Administrators and auditors can read it."
    )

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["team"].queryset = Team.objects.order_by("name")
        self.fields["team"].empty_label = "No team"

    def at_wall(self) -> datetime:
        return datetime.combine(self.cleaned_data["date"], self.cleaned_data["time"])

    def clean(self):
        said = super().clean() or self.cleaned_data
        addresses = {each.casefold() for each in re.split(r"[\s,;]+", said.get("people", "")) if each}
        found = {each.email.casefold(): each for each in _with_addresses(addresses)}
        if unknown := sorted(addresses - found.keys()):
            self.add_error("people", f"Nobody who works here has the address {', '.join(unknown[:10])}.")
        team = said.get("team")
        members = Person.objects.present().filter(memberships__team=team) if team else ()
        said["leavers"] = sorted({*found.values(), *members}, key=lambda each: each.pk)
        if not said["leavers"] and not self.errors:
            self.add_error("people", "Choose a team, or write at least one address.")
        return said


def _with_addresses(addresses: set[str]):
    people = Person.objects.present().annotate(plain=Lower("email"))
    return people.filter(plain__in=addresses)
