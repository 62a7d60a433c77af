"""What people fill in. The rules are the verbs'; a form reads the answers and says what is missing."""

from datetime import datetime
from typing import Any, cast
from zoneinfo import ZoneInfo

from django import forms
from django.utils import timezone

from accounts.announcing import FAMILIES, PLACES
from accounts.models import DirectoryKey, LeaverList, Person, Role, Scope, WebhookEndpoint
from accounts.permissions import people_with_role
from accounts.queries.leavers import FIELDS as LEAVER_FIELDS
from accounts.queries.leavers import NEEDED as LEAVER_NEEDED
from socialops.lib.wall_clock import time_zones


def zone_choices() -> list[tuple[str, str]]:
    return [(zone, zone.replace("_", " ")) for zone in time_zones()]


class PersonForm(forms.Form):
    name = forms.CharField(max_length=120, label="Name", widget=forms.TextInput(attrs={"autocomplete": "off"}))
    email = forms.EmailField(label="Work e-mail", help_text="The invitation goes there.")
    title = forms.CharField(max_length=120, label="Job title", required=False)
    time_zone = forms.ChoiceField(label="Time zone", choices=zone_choices, initial="UTC")
    role = forms.ChoiceField(
        label="Role",
        required=False,
        choices=[("", "None: what they may do is given channel by channel"), *Role.choices],
    )
    invite = forms.BooleanField(label="Send the invitation now", required=False, initial=True)


DAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]


class HoursForm(forms.Form):
    working_days = forms.TypedMultipleChoiceField(
        label="Days", coerce=int, choices=list(enumerate(DAYS)), widget=forms.CheckboxSelectMultiple
    )
    working_from = forms.TimeField(label="From", widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M"))
    working_until = forms.TimeField(label="Until", widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M"))


class AbsenceForm(forms.Form):
    first_day = forms.DateField(label="First day", widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"))
    last_day = forms.DateField(label="Last day", widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"))
    delegate = forms.ModelChoiceField(
        Person.objects.none(), label="Who decides in your place?", required=False,
        empty_label="Whoever is next: backup owners, then your manager",
        help_text="They need the right to approve on the same channels.",
    )  # fmt: skip

    def __init__(self, *args, person: Person, **kwargs):
        super().__init__(*args, **kwargs)
        others = Person.objects.present().exclude(pk=person.pk).order_by("name")
        cast(forms.ModelChoiceField, self.fields["delegate"]).queryset = others


class DepartureForm(forms.Form):
    date = forms.DateField(label="Last day", widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"))
    time = forms.TimeField(label="Time", widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M"))
    time_zone = forms.ChoiceField(label="Time zone", choices=zone_choices)
    reason = forms.CharField(
        max_length=200, label="Reason", required=False, help_text="Administrators and auditors can read it."
    )
    quiet = forms.BooleanField(
        label="Keep it quiet until that minute", required=False,
        help_text="Nobody but you and those you name here finds it: not in lists, the trail, mails or webhooks.",
    )  # fmt: skip
    confidants = forms.ModelMultipleChoiceField(
        Person.objects.none(), label="Who else may know", required=False, widget=forms.CheckboxSelectMultiple,
        help_text="Other administrators. Only read where it is quiet.",
    )  # fmt: skip

    def __init__(self, *args, person: Person, by: Person, **kwargs):
        super().__init__(*args, **kwargs)
        others = people_with_role(Role.ADMIN).exclude(pk__in=[person.pk, by.pk]).order_by("name", "pk")
        cast(forms.ModelMultipleChoiceField, self.fields["confidants"]).queryset = others

    def at_wall(self) -> datetime:
        return datetime.combine(self.cleaned_data["date"], self.cleaned_data["time"])


class EndpointForm(forms.Form):
    """`whole` are families, with whatever they will be told of later; `some_<family>` single events of one."""

    description = forms.CharField(max_length=120, label="What is it for?", help_text="Such as: our chat, a dashboard.")
    url = forms.CharField(
        max_length=600, label="Address", help_text="It begins with https://. What happens is sent there with POST.",
        widget=forms.URLInput(attrs={"autocomplete": "off", "placeholder": "https://"}),
    )  # fmt: skip
    answerable = forms.ModelChoiceField(
        Person.objects.none(), label="Who answers for it?", empty_label=None,
        help_text="It is told no more than they may see here. When they leave, it stops until somebody takes it over.",
    )  # fmt: skip
    whole = forms.MultipleChoiceField(
        label="Tell it everything of", required=False, widget=forms.CheckboxSelectMultiple
    )
    channels = forms.TypedMultipleChoiceField(
        label="Only on these channels", required=False, coerce=int, widget=forms.CheckboxSelectMultiple,
        help_text="None chosen: on all that whoever answers for it sees.",
    )  # fmt: skip

    def __init__(self, *args, by: Person, endpoint: WebhookEndpoint | None = None, **kwargs):
        initial: dict[str, Any] = {"answerable": by.pk}
        if endpoint:
            initial = {name: getattr(endpoint, name) for name in ("description", "url", "channels")}
            initial |= {"whole": endpoint.events}
            initial |= {f"some_{key}": endpoint.events for key in FAMILIES}
        kwargs["initial"] = initial
        super().__init__(*args, **kwargs)
        if endpoint:
            del self.fields["answerable"]  # taken over by name, on its own page
        else:
            cast(forms.ModelChoiceField, self.fields["answerable"]).queryset = Person.objects.present().order_by("name")
        cast(forms.MultipleChoiceField, self.fields["whole"]).choices = [(f.key, f.words) for f in FAMILIES.values()]
        places = PLACES.seen_by(endpoint.answerable if endpoint else by).order_by("name", "pk")
        cast(forms.MultipleChoiceField, self.fields["channels"]).choices = [(each.pk, str(each)) for each in places]
        for family in FAMILIES.values():
            choices = [(action, f"{words} ({action})") for action, words in family.actions().items()]
            self.fields[f"some_{family.key}"] = forms.MultipleChoiceField(
                label=family.words, required=False, choices=choices, widget=forms.CheckboxSelectMultiple
            )

    def singles(self) -> list[forms.BoundField]:
        return [self[f"some_{key}"] for key in FAMILIES]

    def given(self) -> dict[str, Any]:
        """What the verbs take."""
        said = dict(self.cleaned_data)
        whole = said.pop("whole")
        some = [action for key in FAMILIES for action in said.pop(f"some_{key}") if key not in whole]
        return {**said, "events": [*whole, *some]}


class RoleForm(forms.Form):
    role = forms.ChoiceField(label="Role", choices=Role.choices)


class TeamForm(forms.Form):
    team = forms.CharField(max_length=120, label="Team")


class InvitationForm(forms.Form):
    password = forms.CharField(
        label="Choose a password",
        strip=False,
        help_text="At least 12 characters. A sentence is easy to remember and hard to guess.",
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )


class SettingsForm(forms.Form):
    time_zone = forms.ChoiceField(
        label="Time zone", choices=zone_choices, help_text="Times are shown as your clock shows them."
    )


class TokenForm(forms.Form):
    name = forms.CharField(
        max_length=80, label="What will use it?", help_text="For finding it here, such as “Newsroom”."
    )
    scopes = forms.MultipleChoiceField(
        label="What is it good for?", choices=Scope.choices, widget=forms.CheckboxSelectMultiple,
        help_text="It can never do more than you may yourself at that moment.",
    )  # fmt: skip
    days = forms.TypedChoiceField(
        label="For how long?", coerce=int, initial=90,
        choices=[(7, "A week"), (30, "30 days"), (90, "90 days"), (180, "Half a year"), (365, "A year")],
    )  # fmt: skip


class DirectoryKeyForm(forms.Form):
    kind = forms.ChoiceField(label="What is it for?", choices=DirectoryKey.Kind.choices, widget=forms.RadioSelect)
    name = forms.CharField(
        max_length=80, label="What uses it?", help_text="For finding it here, such as “Entra” or “Our HR system”."
    )


class LeaverFileForm(forms.Form):
    file = forms.FileField(
        label="CSV or XLSX file", max_length=200,
        help_text="The first row names the columns. Up to 10,000 rows and 20 MB. Nothing is recorded yet.",
    )  # fmt: skip


class LeaverMappingForm(forms.Form):
    """For each field the column of the file that it stands in."""

    zone = forms.ChoiceField(label="Time zone of rows that name none", choices=zone_choices)

    def __init__(self, *args, of: LeaverList, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["zone"].initial = of.time_zone
        columns = [("", "Not in this file")]
        columns += [(str(at), f"{header or 'no name'} ({at + 1})") for at, header in enumerate(of.headers)]
        for name, label in LEAVER_FIELDS.items():
            initial = str(of.mapping.get(name, ""))
            self.fields[name] = forms.ChoiceField(
                label=label, choices=columns, required=name in LEAVER_NEEDED, initial=initial
            )

    @property
    def mapping(self) -> dict[str, int]:
        return {name: int(self.cleaned_data[name]) for name in LEAVER_FIELDS if self.cleaned_data.get(name)}


class TrailForm(forms.Form):
    """The filters of the trail; what cannot be read is left out, so an old link still shows something."""

    action = forms.ChoiceField(required=False, label="What was done")
    who = forms.CharField(required=False, max_length=160, label="By whom")
    subject = forms.CharField(required=False, max_length=200, label="To what")
    person = forms.IntegerField(required=False, min_value=1, widget=forms.HiddenInput)
    first = forms.DateField(
        required=False, label="From", widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )
    last = forms.DateField(
        required=False, label="To", widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )
    before = forms.IntegerField(required=False, min_value=1, widget=forms.HiddenInput)

    def __init__(self, *args, actions: dict[str, str], **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["action"].choices = [("", "Anything"), *sorted(actions.items(), key=lambda item: item[1])]


def now_in(zone: str) -> dict:
    """Date and time of this minute on that zone's clock: what a departure form begins with."""
    local = timezone.localtime(timezone.now(), ZoneInfo(zone))
    return {"date": local.date(), "time": local.time().replace(second=0, microsecond=0), "time_zone": zone}
