"""What people fill in. The rules are the verbs'; a form reads the answers and says what is missing."""

from datetime import datetime

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import Q, QuerySet
from django.utils import timezone

from accounts.models import Person
from channels_registry.connector.capabilities import Network
from channels_registry.models import Entitlement
from channels_registry.models.access_grant import Door
from socialops.lib.wall_clock import read

DOORS_ELSEWHERE = (Door.SHARED_LOGIN, Door.RECOVERY, Door.TOOL_SEAT, Door.ROLE, Door.APP)


class PersonField(forms.ModelChoiceField):
    """Somebody who is here."""

    def __init__(self, **kwargs):
        super().__init__(queryset=Person.objects.none(), **kwargs)

    def offer(self, people: QuerySet[Person]) -> None:
        self.queryset = people


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
    who = forms.CharField(
        required=False, max_length=254
    )  # their address or name, where there are too many to choose from
    nobody = forms.BooleanField(required=False)

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["person"].offer(Person.objects.order_by("name"))

    def clean(self):
        given = super().clean() or {}
        if given.get("who") and not given.get("person"):
            given["person"] = self._called(given["who"])
        if "person" not in self.errors and bool(given.get("person")) == bool(given.get("nobody")):
            self.add_error("person", "Choose whose it is, or say that it is a service.")
        return given

    def _called(self, who: str) -> Person | None:
        found = list(Person.objects.filter(Q(email__iexact=who.strip()) | Q(name__iexact=who.strip()))[:2])
        if len(found) != 1:
            several = "Several people have this name. Write the e-mail address of the one you mean."
            self.add_error("person", several if found else "Nobody has this name or address. Check how it is written.")
        return found[0] if len(found) == 1 else None


class NextAuthoriserForm(forms.Form):
    person = PersonField(label="Who connects it again", help_text="Is reminded before the connection ends.")

    def __init__(self, *args, of: QuerySet[Person], **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["person"].offer(of)


class MatrixViewForm(forms.Form):
    name = forms.CharField(label="Name", max_length=60, help_text="A name that you use already replaces that view.")
    shared = forms.BooleanField(
        label="Share it with everybody who may open the matrix",
        required=False,
        help_text="Each sees in it what they may see, and no more.",
    )


class MomentForm(forms.Form):
    """A moment to look back to, on the clock of a zone (the reader's, if none is said). Empty is now."""

    at = forms.CharField(
        label="As it was at",
        required=False,
        max_length=40,
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}),
    )
    zone = forms.CharField(label="On the clock of", required=False, max_length=64)

    def __init__(self, *args, zone: str, **kwargs):
        super().__init__(*args, **kwargs)
        self.own = zone
        self.fields["zone"].initial = zone

    def clean(self):
        given = super().clean() or {}
        self.moment: datetime | None = None
        if not given.get("at"):
            return given
        try:
            wall = datetime.fromisoformat(given["at"]).replace(tzinfo=None)
        except ValueError:
            self.add_error("at", "Write a day and a time, such as 2027-05-03T14:00.")
            return given
        try:
            self.moment = read(wall, given.get("zone") or self.own).instant
        except ValidationError as error:
            self.add_error("at" if error.code == "far" else "zone", error)
            return given
        if self.moment > timezone.now():
            self.add_error("at", "This moment has not come yet. Leave it empty for now.")
        return given
