"""What is said of a channel: at its registration, and anew; its risk by hand; that its record is right."""

from typing import Any

from django import forms

from accounts.models import Person
from channels_registry import networks
from channels_registry.forms import PersonField
from channels_registry.models import Channel
from channels_registry.models.risk import Kind
from socialops.lib.wall_clock import time_zones

DAY = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
OWNER = "Answers for it, and manages who has access."
CALLED = "What your colleagues call it."


class RecordForm(forms.Form):
    """The part that is the same for a new channel and a changed one."""

    name = forms.CharField(label="Name", max_length=120, help_text=CALLED)
    owner = PersonField(label="Owner", help_text=OWNER)
    backup_owner = PersonField(label="Backup", required=False, help_text="When the owner is away or leaves.")
    purpose = forms.CharField(label="What it is for", max_length=200, required=False)
    kind = forms.ChoiceField(label="Whose voice it is", choices=Kind.choices, initial=Kind.BRAND)
    brand = forms.CharField(label="Brand", max_length=80, required=False)
    region = forms.CharField(label="Region", max_length=80, required=False)
    language = forms.CharField(label="Language", max_length=10, required=False, help_text="As a code: en, de, pt-BR.")
    legal_entity = forms.CharField(
        label="Legal entity", max_length=120, required=False, help_text="The company that answers for it in law."
    )
    time_zone = forms.ChoiceField(label="Time zone", initial="UTC")
    url = forms.CharField(label="Address of its page", max_length=400, required=False)
    audience_size = forms.IntegerField(
        label="Followers", min_value=0, max_value=2_147_483_647, required=False,
        help_text="Read from the network at each connection, where it tells.",
    )  # fmt: skip
    regulated = forms.BooleanField(label="Speaks for a regulated entity", required=False)
    crisis_voice = forms.BooleanField(label="Speaks in a crisis", required=False)
    runs_ads = forms.BooleanField(label="Can spend on advertising", required=False)
    verification = forms.ChoiceField(
        label="The network’s mark that it is real", choices=Channel.Verification.choices, initial="unknown"
    )
    verified_since = forms.DateField(label="Verified since", required=False, widget=DAY)
    verification_evidence = forms.CharField(
        label="Where that can be seen",
        max_length=400,
        required=False,
        help_text="An address, or where the letter is kept.",
    )
    closing_procedure = forms.CharField(
        label="How it is closed", max_length=4000, required=False, widget=forms.Textarea(attrs={"rows": 4}),
        help_text="Step by step, for somebody who has never done it: what is kept, who is told, where the button is.",
    )  # fmt: skip

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["time_zone"].choices = [(zone, zone.replace("_", " ")) for zone in time_zones()]
        for name in ("owner", "backup_owner"):
            self.fields[name].offer(Person.objects.present().order_by("name"))

    def said(self) -> dict[str, Any]:
        """What the verb takes: everything that was asked."""
        return dict(self.cleaned_data)


class ChannelForm(RecordForm):
    network = forms.ChoiceField(label="Network")
    handle = forms.CharField(
        label="Handle", max_length=400, help_text="As it stands on the network, or the address of its page."
    )

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["network"].choices = [(slug, networks.network(slug).label) for slug in networks.slugs()]


class ChannelChangeForm(RecordForm):
    """What may be said anew of a channel. Its network and its handle are what it is."""


class OverrideForm(forms.Form):
    tier = forms.ChoiceField(label="Risk", choices=Channel.RiskTier.choices)
    until = forms.DateField(label="Until", widget=DAY, help_text="Then the arithmetic counts again. A year at most.")
    reason = forms.CharField(label="Why", max_length=300, help_text="Stands beside the tier, with your name.")


class RecordReviewForm(forms.Form):
    note = forms.CharField(label="What you noticed", max_length=300, required=False)
    next_due = forms.DateField(label="Look again by", required=False, widget=DAY)
