"""Doors that no network lists, on record. Of thousands of people and channels one is named, not picked from a list."""

from typing import Any

from django import forms

from accounts.models import Person
from channels_registry.models import Channel, SharedLogin, Tool
from channels_registry.queries.kept import keepable

WHEN = forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")


class WhoField(forms.CharField):
    """Somebody who is here, by e-mail address or whole name."""

    def clean(self, value: Any) -> Person | None:
        said = super().clean(value).strip()
        if not said:
            return None
        here = Person.objects.present()
        found = list((here.filter(email__iexact=said) if "@" in said else here.filter(name__iexact=said))[:2])
        if len(found) > 1:
            raise forms.ValidationError(f"There are several people of the name {said}. Write the e-mail address.")
        if not found:
            raise forms.ValidationError(f"Nobody here is called {said}. Write the whole name or the e-mail address.")
        return found[0]


class ChannelsField(forms.CharField):
    """Channels that `by` may put doors on record of: one a line, by handle or name."""

    widget = forms.Textarea(attrs={"rows": 3})
    by: Person

    def clean(self, value: Any) -> list[Channel]:
        said = [line.strip() for line in super().clean(value).splitlines() if line.strip()]
        return list({channel.pk: channel for channel in map(self._one, said)}.values())

    def _one(self, said: str) -> Channel:
        mine = keepable(self.by)
        found = list(mine.filter(handle__iexact=said)[:2]) or list(mine.filter(name__iexact=said)[:2])
        first, _, rest = said.partition(" ")
        if len(found) != 1:
            found = list(mine.filter(network=first.lower(), handle__iexact=rest.strip())[:2]) or found
        if len(found) > 1:
            raise forms.ValidationError(f"Several channels are called {said}. Write the network before the handle.")
        if not found:
            raise forms.ValidationError(f"You manage no channel that is called {said}. Write its handle or its name.")
        return found[0]


class LoginForm(forms.Form):
    name = forms.CharField(label="What it is called", max_length=120)
    vault = forms.CharField(
        label="Where it is kept",
        max_length=300,
        help_text="The item’s name or address in the vault. Never the password itself.",
    )
    channels = ChannelsField(label="What it opens", help_text="Channels, one a line, by handle or name.")
    owner = WhoField(label="Owner", help_text="Sees it rotated. E-mail address or whole name.")
    rotate_every = forms.IntegerField(
        label="Rotated every so many days",
        min_value=1,
        max_value=730,
        initial=90,
        help_text="And whenever a holder leaves.",
    )
    rotated_at = forms.DateTimeField(
        label="Last rotated", required=False, widget=WHEN, help_text="Empty: now. On your clock."
    )

    def __init__(self, *args, by: Person, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["channels"].by = by


class LoginChangeForm(forms.Form):
    name = forms.CharField(label="What it is called", max_length=120)
    vault = forms.CharField(label="Where it is kept", max_length=300, help_text="Never the password itself.")
    owner = WhoField(label="Owner", help_text="E-mail address or whole name.")
    rotate_every = forms.IntegerField(label="Rotated every so many days", min_value=1, max_value=730)

    @staticmethod
    def of(login: SharedLogin) -> dict[str, Any]:
        return {
            "name": login.name, "vault": login.vault, "owner": login.owner.email, "rotate_every": login.rotate_every,
        }  # fmt: skip


class HolderForm(forms.Form):
    """Who has it, or is to have it no longer."""

    person = WhoField(label="Person", help_text="E-mail address or whole name.")
    level = forms.CharField(
        label="What it lets them do",
        max_length=80,
        required=False,
        empty_value="full access",
        help_text="Empty: full access.",
    )
    expires_at = forms.DateTimeField(label="Ends", required=False, widget=WHEN, help_text="Empty: no end of its own.")
    reason = forms.CharField(label="Why", max_length=200)


class ToolForm(forms.Form):
    name = forms.CharField(label="What it is called", max_length=120)
    vendor = forms.CharField(label="Vendor", max_length=120, required=False)
    url = forms.CharField(
        label="Address", max_length=400, required=False, help_text="Best the page on which its seats are listed."
    )
    owner = WhoField(label="Owner", help_text="Gives and takes its seats. E-mail address or whole name.")
    purpose = forms.CharField(label="What it is for", max_length=200, required=False)
    sign_in = forms.ChoiceField(label="How people sign in", choices=Tool.SignIn.choices, initial=Tool.SignIn.UNKNOWN)
    channels = ChannelsField(
        label="What it reaches", required=False, help_text="Channels, one a line, by handle or name."
    )

    def __init__(self, *args, by: Person, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["channels"].by = by

    @staticmethod
    def of(tool: Tool, reached: list[Channel]) -> dict[str, Any]:
        words = {name: getattr(tool, name) for name in ("name", "vendor", "url", "purpose", "sign_in")}
        return {**words, "owner": tool.owner.email, "channels": "\n".join(f"{c.network} {c.handle}" for c in reached)}


class AcceptForm(forms.Form):
    """Leave a finding alone until a date."""

    until = forms.DateTimeField(label="Until", widget=WHEN, help_text="On your clock; at most 180 days ahead.")
    reason = forms.CharField(label="Why it may stay", max_length=300)


class DecisionForm(forms.Form):
    person = WhoField(label="Whose it is", required=False, help_text="E-mail address or whole name.")
    reason = forms.CharField(label="Why", max_length=300)


class ExtensionForm(forms.Form):
    until = forms.DateTimeField(label="New end", widget=WHEN, help_text="On your clock.")
    reason = forms.CharField(label="Why", max_length=200)
