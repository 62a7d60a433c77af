import re
from datetime import datetime, time, timedelta
from typing import Any

from django import forms
from django.db.models.functions import Lower
from django.utils import timezone

from accounts.models import Person, Team
from channels_registry.models import Channel, Entitlement
from governance.evidence import MOST_SAMPLED
from governance.models import AccessReview, LegalHold, OffboardingCase
from governance.queries import packs
from socialops.lib.wall_clock import FIRST_YEAR, database_now, time_zones

WHEN = forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")
DAY = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
WRITE_A_TIME = {"invalid": "Write a date and a time, such as 2026-05-03 14:00."}
WRITE_A_DAY = {"invalid": "Write a day, such as 2026-05-03."}


class PackForm(forms.Form):
    """What a pack is about. `cleaned_data["scope"]` is what its kind asks for."""

    kind = forms.ChoiceField(label="What it is about", required=False, initial="access")
    about = forms.CharField(
        label="Whom or what",
        required=False,
        max_length=200,
        help_text="For a case or a person: their e-mail or name. For a channel: its name or handle. "
        "For a review: its name.",
    )
    at = forms.DateTimeField(
        label="At which moment", required=False, widget=WHEN, error_messages=WRITE_A_TIME,
        help_text="For who could reach what. Leave empty for now. In your own time zone.",
    )  # fmt: skip
    first = forms.DateField(label="First day", required=False, widget=DAY, error_messages=WRITE_A_DAY,
                            help_text="For a period. In your own time zone.")  # fmt: skip
    last = forms.DateField(label="Last day", required=False, widget=DAY, error_messages=WRITE_A_DAY)
    sample = forms.IntegerField(
        label="Rows to draw of each table", required=False, min_value=1, max_value=MOST_SAMPLED, initial=25
    )
    seed = forms.CharField(
        label="Seed of the sample",
        required=False,
        max_length=32,
        help_text="An auditor’s own words, so that nobody here chose the rows. Leave empty to have one drawn.",
    )

    def __init__(self, *args, **more):
        super().__init__(*args, **more)
        self.fields["kind"].choices = [(kind.slug, kind.label) for kind in packs.KINDS.values()]

    def clean_at(self):
        at = self.cleaned_data["at"]
        if at and at.year < FIRST_YEAR:
            raise forms.ValidationError("Nobody could reach anything then. Check the year.")
        if at and at > database_now():
            raise forms.ValidationError("This moment lies ahead. Evidence speaks of now or of the past.")
        return at

    def clean(self):
        data: dict[str, Any] = super().clean() or self.cleaned_data
        data["kind"] = data.get("kind") or "access"
        data["sample"] = data.get("sample") or 25
        if self.errors:
            return data
        asks, scope = packs.KINDS[data["kind"]].asks, {}
        if asks == ("at",):
            scope = {"at": data["at"].isoformat() if data["at"] else ""}
        elif asks == ("first", "last"):
            scope = self._period(data)
        else:
            data["at"] = None
            scope = {asks[0]: self._one(asks[0], data["about"])}
        data["scope"] = scope
        return data

    def _period(self, data) -> dict[str, str]:
        data["at"] = None
        for name, words in (("first", "Say on which day it begins."), ("last", "Say on which day it ends.")):
            if not data[name]:
                self.add_error(name, words)
        if self.errors:
            return {}
        if data["last"] < data["first"]:
            self.add_error("last", "It ends before it begins.")
        first, last = (
            timezone.make_aware(datetime.combine(day, time())) for day in (data["first"], data["last"] + timedelta(1))
        )
        if first > database_now():
            self.add_error("first", "This day lies ahead. Evidence speaks of the past.")
        return {"first": first.isoformat(), "last": last.isoformat()}

    def _one(self, kind: str, words: str) -> int | None:
        if not words:
            self.add_error("about", "Say whom or what it is about.")
            return None
        found = packs.named(kind, words)
        if len(found) == 1:
            return found[0]
        several = "Several are called so. Write the e-mail, or the handle."
        self.add_error("about", several if found else "Nothing of that kind is called so. Check the spelling.")
        return None


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


class LegalHoldForm(forms.Form):
    """`cleaned_data` holds what governance.preserving.place asks for."""

    scope = forms.ChoiceField(label="What has to be kept", choices=LegalHold.Scope.choices)
    about = forms.CharField(
        label="Whom or what", required=False, max_length=200,
        help_text="A person’s e-mail or name; a channel’s name or handle. Leave empty for a period or everything.",
    )  # fmt: skip
    first = forms.DateField(label="First day", required=False, widget=DAY, error_messages=WRITE_A_DAY)
    last = forms.DateField(label="Last day", required=False, widget=DAY, error_messages=WRITE_A_DAY)
    reason = forms.CharField(
        label="Why, and for which matter", max_length=300, widget=forms.Textarea(attrs={"rows": 3}),
        error_messages={"required": "Say why it has to be kept, and for which matter."},
    )  # fmt: skip

    def clean(self):
        data: dict[str, Any] = super().clean() or self.cleaned_data
        said: dict[str, Any] = {"person": None, "channel": None, "first": None, "last": None}
        scope = data.get("scope")
        if scope in ("person", "channel"):
            found = packs.named(scope, data.get("about", ""))
            if len(found) == 1:
                said[scope] = packs.objects_of(scope).get(pk=found[0])
            else:
                self.add_error("about", "Say whom or what it is about, by their e-mail or handle.")
        if scope == "period":
            for name in ("first", "last"):
                if not data.get(name):
                    self.add_error(name, "A period needs its first and its last day.")
            if not self.errors and data["last"] < data["first"]:
                self.add_error("last", "It ends before it begins.")
            if not self.errors:
                said["first"], said["last"] = (
                    timezone.make_aware(datetime.combine(day, time()))
                    for day in (data["first"], data["last"] + timedelta(1))
                )
        return {"scope": scope, "reason": data.get("reason", ""), **said}


class ReasonForm(forms.Form):
    reason = forms.CharField(label="Reason", max_length=300, widget=forms.Textarea(attrs={"rows": 2}),
                             error_messages={"required": "Say why."})  # fmt: skip


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
