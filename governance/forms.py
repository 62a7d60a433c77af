from typing import Any

from django import forms

from accounts.models import Person
from channels_registry.models import Channel, Entitlement
from governance.models import AccessReview, OffboardingCase
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


class ColleagueField(forms.EmailField):
    """Somebody, by their address: of ten thousand people nobody wants a list. Cleaned it is a Person, or None."""

    def __init__(self, **kwargs):
        super().__init__(**{"help_text": "Their e-mail address.", **kwargs})

    def clean(self, value):
        address = super().clean(value)
        if not address:
            return None
        if found := Person.objects.filter(email__iexact=address).first():
            return found
        raise forms.ValidationError("Nobody here has this address. Check how it is written.")


class ReviewForm(forms.Form):
    """What is to be reviewed, by whom and until when. Every part of the scope that is left empty narrows nothing."""

    name = forms.CharField(label="Name", max_length=120, help_text="Such as “Autumn 2026, high risk”.")
    event = forms.ChoiceField(label="Why now", choices=AccessReview.Event.choices, initial="schedule")
    about = forms.CharField(label="What happened", max_length=300, required=False, help_text="After an incident.")
    channels = forms.ModelMultipleChoiceField(
        Channel.objects.none(), label="Channels", required=False, widget=forms.SelectMultiple(attrs={"size": 6})
    )
    tiers = forms.MultipleChoiceField(
        label="Risk", choices=Channel.RiskTier.choices, required=False, widget=forms.CheckboxSelectMultiple
    )
    brands = forms.MultipleChoiceField(label="Brand", required=False, widget=forms.SelectMultiple(attrs={"size": 4}))
    regions = forms.MultipleChoiceField(label="Region", required=False, widget=forms.SelectMultiple(attrs={"size": 4}))
    owner = ColleagueField(label="Channels of this owner", required=False)
    manager = ColleagueField(label="People of this manager", required=False)
    person = ColleagueField(label="Doors of this person", required=False)
    case = forms.ModelChoiceField(
        OffboardingCase.objects.none(), label="Channels that this leaver could reach", required=False
    )
    rule = forms.ChoiceField(label="Who decides", choices=AccessReview.Rule.choices, initial="owner")
    named = ColleagueField(label="Which person", required=False)
    fallback = forms.ChoiceField(
        label="And where they may not", choices=AccessReview.Fallback.choices, initial="backup",
        help_text="Nobody decides about a door that they have or gave.",
    )  # fmt: skip
    due = forms.DateTimeField(
        label="Due", help_text="In your own time zone.",
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
        error_messages={"invalid": "Write a date and a time, such as 2026-12-04 17:00."},
    )  # fmt: skip
    grace_high = forms.IntegerField(label="High", min_value=0, max_value=60, initial=2)
    grace_medium = forms.IntegerField(label="Medium", min_value=0, max_value=60, initial=5)
    grace_low = forms.IntegerField(label="Low", min_value=0, max_value=60, initial=14)

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        known = list(Channel.objects.order_by("name", "pk").values_list("pk", "name", "handle", "brand", "region"))
        self.fields["channels"].queryset = Channel.objects.all()
        self.fields["channels"].choices = [(pk, f"{name} ({handle})") for pk, name, handle, *_ in known]
        for name, at in (("brands", 3), ("regions", 4)):
            self.fields[name].choices = [(each, each) for each in sorted({row[at] for row in known if row[at]})]
        self.fields["case"].queryset = OffboardingCase.objects.select_related("person").order_by("-pk")
        self.fields["case"].label_from_instance = lambda case: case.person.name

    def clean_due(self):
        due = self.cleaned_data["due"]
        if not FIRST_YEAR <= due.year <= 9000:
            raise forms.ValidationError("Check the year.")
        return due

    def wanted(self) -> dict[str, Any]:
        """What the verb takes."""
        said = self.cleaned_data
        scope = {key: said[key] for key in ("tiers", "brands", "regions")}
        scope |= {key: said[key].pk for key in ("owner", "manager", "person", "case") if said[key]}
        scope["channels"] = [channel.pk for channel in said["channels"]]
        return {
            "name": said["name"], "due_at": said["due"], "scope": scope, "event": said["event"],
            "about": said["about"], "rule": said["rule"], "named": said["named"], "fallback": said["fallback"],
            "grace": (said["grace_high"], said["grace_medium"], said["grace_low"]),
        }  # fmt: skip


class DecisionForm(forms.Form):
    reason = forms.CharField(
        label="Why", required=False, max_length=500, widget=forms.Textarea(attrs={"rows": 2}),
        help_text="It stays with the review, and with the proof if the door is shut.",
    )  # fmt: skip


class HandoverForm(forms.Form):
    to = ColleagueField(label="To")
    reason = forms.CharField(label="Why them", max_length=300)


class SampleForm(forms.Form):
    rechecker = ColleagueField(label="Who looks again")
    size = forms.IntegerField(label="How many doors", min_value=1, max_value=500, initial=10)


class StatementForm(forms.Form):
    statement = forms.CharField(
        label="What you sign for", max_length=2000, widget=forms.Textarea(attrs={"rows": 4}),
        error_messages={"required": "Say in a sentence what you sign for. It stays with the review."},
    )  # fmt: skip


class PeriodForm(forms.Form):
    """Whole days on the clock of whoever is away."""

    first = forms.DateField(label="First day", widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"))
    last = forms.DateField(label="Last day", widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"))

    def clean(self):
        given = super().clean()
        first, last = given.get("first"), given.get("last")
        if first and last and not FIRST_YEAR <= first.year <= last.year < 9000:
            self.add_error("last", "The last day comes before the first, or too far off. Check both.")
        elif first and last and last < first:
            self.add_error("last", "The last day comes before the first.")
        elif first and last and (last - first).days > 400:
            self.add_error("last", "Choose at most four hundred days.")
        return given


class AskForm(forms.Form):
    """What somebody asks for on a channel: a right here, or a door elsewhere that reaches it."""

    what = forms.ChoiceField(label="What you need")
    level = forms.CharField(
        label="Which level",
        max_length=80,
        required=False,
        help_text="Only for a seat or a shared login: editor, full access.",
    )
    days = forms.IntegerField(
        label="For how many days",
        min_value=1,
        max_value=366,
        required=False,
        initial=30,
        help_text="Empty: without an end.",
    )
    reason = forms.CharField(label="What for", max_length=300, widget=forms.Textarea(attrs={"rows": 2}))

    def __init__(self, *args, channel: Channel, **kwargs):
        super().__init__(*args, **kwargs)
        self.logins = {str(each.pk): each for each in channel.shared_logins.filter(retired_at=None).order_by("name")}
        self.tools = {str(each.pk): each for each in channel.tools.filter(retired_at=None).order_by("name")}
        self.fields["what"].choices = [
            *Entitlement.choices,
            *((f"tool:{key}", f"A seat in {each.name}") for key, each in self.tools.items()),
            *((f"login:{key}", f"The shared login {each.name}") for key, each in self.logins.items()),
        ]

    def asked(self) -> dict:
        """As governance.requesting.ask takes it."""
        given = self.cleaned_data
        kind, _, key = given["what"].partition(":")
        kept = {"tool": self.tools, "login": self.logins}.get(kind, {}).get(key)
        level = (given["level"] or "full access") if kept else given["what"]
        return {
            "entitlement": level,
            "reason": given["reason"],
            "days": given["days"],
            **({kind: kept} if kept else {}),
        }


class WordForm(forms.Form):
    note = forms.CharField(
        label="Note", max_length=300, required=False, widget=forms.Textarea(attrs={"rows": 2}),
        help_text="Needed to refuse: whoever asked reads it.",
    )  # fmt: skip


class GlassForm(forms.Form):
    entitlement = forms.ChoiceField(label="What you have to do there", choices=Entitlement.choices, initial="publisher")
    minutes = forms.IntegerField(label="For how many minutes", min_value=1, max_value=240, initial=60)
    incident = forms.CharField(label="Which incident", max_length=120, help_text="Its number or address.")
    reason = forms.CharField(
        label="What happened, and what you need to do", max_length=300, widget=forms.Textarea(attrs={"rows": 2})
    )


class ReportForm(forms.Form):
    report = forms.CharField(
        label="What you did, and what is left to do", max_length=8000, widget=forms.Textarea(attrs={"rows": 5})
    )


class GlassReviewForm(forms.Form):
    note = forms.CharField(label="What you found", max_length=300, widget=forms.Textarea(attrs={"rows": 2}))
