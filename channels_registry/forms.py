"""What people fill in. The rules are the verbs'; a form reads the answers and says what is missing."""

from django import forms
from django.db.models import QuerySet

from accounts.models import Person
from channels_registry import networks
from channels_registry.connector.capabilities import Network
from channels_registry.models import Channel, Entitlement
from channels_registry.models.access_grant import Door
from socialops.lib.wall_clock import time_zones

DOORS_ELSEWHERE = (Door.SHARED_LOGIN, Door.RECOVERY, Door.TOOL_SEAT, Door.ROLE, Door.APP)


class PersonField(forms.ModelChoiceField):
    """Somebody who is here."""

    def __init__(self, **kwargs):
        super().__init__(queryset=Person.objects.none(), **kwargs)

    def offer(self, people: QuerySet[Person]) -> None:
        self.queryset = people


class ChannelForm(forms.Form):
    network = forms.ChoiceField(label="Network")
    handle = forms.CharField(label="Handle", max_length=200, help_text="As it stands on the network.")
    name = forms.CharField(label="Name", max_length=120, help_text="What your colleagues call it.")
    owner = PersonField(label="Owner", help_text="Answers for it, and manages who has access.")
    backup_owner = PersonField(label="Backup", required=False, help_text="When the owner is away or leaves.")
    risk_tier = forms.ChoiceField(
        label="Risk",
        choices=Channel.RiskTier.choices,
        initial=Channel.RiskTier.MEDIUM,
        help_text="High: what is done by hand here needs a picture as evidence.",
    )
    purpose = forms.CharField(label="What it is for", max_length=200, required=False)
    time_zone = forms.ChoiceField(label="Time zone", initial="UTC")

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["network"].choices = [(slug, networks.network(slug).label) for slug in networks.slugs()]
        self.fields["time_zone"].choices = [(zone, zone.replace("_", " ")) for zone in time_zones()]
        for name in ("owner", "backup_owner"):
            self.fields[name].offer(Person.objects.present().order_by("name"))


class ChannelChangeForm(forms.Form):
    """What may be said anew of a channel. Its network and its handle are what it is."""

    name = forms.CharField(label="Name", max_length=120, help_text="What your colleagues call it.")
    purpose = forms.CharField(label="What it is for", max_length=200, required=False)
    owner = PersonField(label="Owner", help_text="Answers for it, and manages who has access.")
    backup_owner = PersonField(label="Backup", required=False, help_text="When the owner is away or leaves.")
    risk_tier = forms.ChoiceField(
        label="Risk",
        choices=Channel.RiskTier.choices,
        help_text="High: what is done by hand here needs a picture as evidence.",
    )
    audience_size = forms.IntegerField(
        label="Followers",
        min_value=0,
        max_value=2_147_483_647,
        required=False,
        help_text="Read from the network at each connection, where it tells.",
    )

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        for name in ("owner", "backup_owner"):
            self.fields[name].offer(Person.objects.present().order_by("name"))


class ConnectionForm(forms.Form):
    """The network's own connect form. A secret is never sent back to the browser, not even after an error."""

    def __init__(self, network: Network, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.secrets = [field.name for field in network.fields if field.secret]
        for field in network.fields:
            hidden = {"autocomplete": "off", "spellcheck": "false"}
            widget = forms.PasswordInput(attrs=hidden) if field.secret else forms.TextInput(attrs=hidden)
            self.fields[field.name] = forms.CharField(
                label=field.label,
                required=field.required,
                help_text=field.help,
                initial="" if field.secret else field.initial,
                widget=widget,
                max_length=4000,
            )

    def answers(self) -> tuple[dict[str, str], dict[str, str]]:
        """(public, secret)"""
        given = self.cleaned_data
        secret = {name: given.get(name, "") for name in self.secrets}
        return {name: value for name, value in given.items() if name not in secret}, secret


class GrantForm(forms.Form):
    person = PersonField(label="Person")
    door = forms.ChoiceField(
        label="Through which door",
        choices=[
            (Door.RIGHT, "A right in Socialops"),
            *((door.value, f"{door.label} (only put on record here)") for door in DOORS_ELSEWHERE),
        ],
        initial=Door.RIGHT,
    )
    entitlement = forms.ChoiceField(label="What they may do", choices=Entitlement.choices, required=False)
    level = forms.CharField(
        label="What that door lets them do",
        max_length=80,
        required=False,
        help_text="Only for a door elsewhere, in the network’s own word: admin, editor, full access.",
    )
    label = forms.CharField(
        label="Where it is kept",
        max_length=200,
        required=False,
        help_text="Only for a door elsewhere: the entry in the vault, the tool, the address. Never a password.",
    )
    expires_at = forms.DateTimeField(
        label="Ends",
        required=False,
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
        help_text="By itself, at this time on your clock. Leave it empty for access without an end.",
    )
    reason = forms.CharField(label="Why", max_length=300, help_text="Stays with the grant, for whoever reviews it.")

    def __init__(self, *args, but: Person, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["person"].offer(Person.objects.present().exclude(pk=but.pk).order_by("name"))

    def words(self) -> str:
        """The level: of ours, or in the network's word."""
        given = self.cleaned_data
        return given["entitlement"] if given["door"] == Door.RIGHT else given["level"]

    def names(self) -> dict[str, str]:
        """What the form calls what access.grant calls so."""
        return {} if self.cleaned_data.get("door") == Door.RIGHT else {"entitlement": "level"}


class ReasonForm(forms.Form):
    reason = forms.CharField(label="Why", max_length=200, help_text="Stays with the proof.")


class AttestationForm(forms.Form):
    note = forms.CharField(
        label="What you did, and where you see that it is shut",
        widget=forms.Textarea(attrs={"rows": 3}),
        max_length=4000,
    )
    file = forms.FileField(
        label="A picture or PDF that shows it", required=False, help_text="PNG, JPEG or PDF, at most 5 MB."
    )


class NoteForm(forms.Form):
    note = forms.CharField(label="What was tried, and why it cannot be shown", widget=forms.Textarea(attrs={"rows": 3}))


class ContestForm(forms.Form):
    why = forms.CharField(label="What you saw", widget=forms.Textarea(attrs={"rows": 2}))


class IdentityForm(forms.Form):
    """Somebody, or nobody: an empty answer says nothing, so it decides nothing."""

    person = PersonField(label="Whose is it", required=False)
    nobody = forms.BooleanField(required=False)

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["person"].offer(Person.objects.order_by("name"))

    def clean(self):
        given = super().clean()
        if "person" not in self.errors and bool(given.get("person")) == bool(given.get("nobody")):
            self.add_error("person", "Choose whose it is, or say that it is a service.")
        return given


class NextAuthoriserForm(forms.Form):
    person = PersonField(label="Who connects it again", help_text="Is reminded before the connection ends.")

    def __init__(self, *args, of: QuerySet[Person], **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["person"].offer(of)


class MomentForm(forms.Form):
    """A moment to look back to, on the reader's clock; what cannot be read is left out."""

    at = forms.DateTimeField(
        label="As it was at",
        required=False,
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
    )

    def moment(self):
        return self.cleaned_data.get("at") if self.is_valid() else None
