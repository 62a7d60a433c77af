from django import forms

from socialops.lib.wall_clock import FIRST_YEAR, database_now


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
