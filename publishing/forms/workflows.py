"""What people fill in about approval workflows."""

from django import forms
from django.db.models import Case, QuerySet, When

from accounts.models import Person, Team
from channels_registry.models import Channel
from publishing.forms.fields import offer, offer_choices
from publishing.models import ApprovalStep, ApprovalWorkflow, Campaign, ExternalApprover, Remit, Rule


class WordsField(forms.CharField):
    """Words with commas between them, as a list."""

    def to_python(self, value):
        return [word.strip() for word in str(value or "").replace("\n", ",").split(",") if word.strip()]

    def clean(self, value):
        words = self.to_python(value)
        if any(len(word) > 80 for word in words) or len(words) > 100:
            raise forms.ValidationError("A hundred words at most, each of 80 characters at most.")
        return words

    def prepare_value(self, value):
        return ", ".join(value) if isinstance(value, list) else value


class ConditionsForm(forms.Form):
    """The conditions that a workflow and a step have in common."""

    CONDITIONS = ("risk_tiers", "words", "has_media", "boosted")

    risk_tiers = forms.MultipleChoiceField(
        label="A channel of this risk", required=False, choices=Channel.RiskTier.choices,
        widget=forms.CheckboxSelectMultiple, help_text="One of the post’s channels is enough.",
    )  # fmt: skip
    words = WordsField(
        label="One of these words", required=False, help_text="Commas between them. Capitals do not matter."
    )
    has_media = forms.BooleanField(label="It shows pictures or films", required=False)
    boosted = forms.BooleanField(label="It is promoted for money", required=False)


class WorkflowForm(ConditionsForm):
    name = forms.CharField(label="Name", max_length=80)
    position = forms.IntegerField(
        label="Order", min_value=1, max_value=1000, required=False,
        help_text="The first workflow that fits a post is taken.",
    )  # fmt: skip
    campaigns = forms.ModelMultipleChoiceField(
        Campaign.objects.none(), label="Of one of these campaigns", required=False, widget=forms.CheckboxSelectMultiple
    )
    field_order = ("name", "position", "campaigns")

    def __init__(self, *args, workflow: ApprovalWorkflow | None = None, **kwargs):
        if workflow:
            names = ("name", "position", *self.CONDITIONS)
            chosen = list(workflow.campaigns.values_list("pk", flat=True))
            kwargs["initial"] = {name: getattr(workflow, name) for name in names} | {"campaigns": chosen}
        super().__init__(*args, **kwargs)
        offer(self, "campaigns", Campaign.objects.filter(archived_at=None).order_by("name"))
        if workflow is None:
            del self.fields["position"]

    def given(self) -> dict:
        """What the verb takes."""
        said = dict(self.cleaned_data)
        return {name: value for name, value in said.items() if not (name == "position" and value is None)}


class StepForm(ConditionsForm):
    name = forms.CharField(label="Name", max_length=80, help_text="Who they are: “Lawyers”, “Brand desk”.")
    position = forms.IntegerField(
        label="Turn", min_value=1, max_value=50, initial=1, help_text="Steps of one turn are asked at the same time."
    )
    remit = forms.ChoiceField(label="What do they confirm?", choices=Remit.choices, widget=forms.RadioSelect)
    anyone = forms.BooleanField(
        label="Whoever may approve on every channel of the post", required=False, help_text="Else those named below."
    )
    people = forms.ModelMultipleChoiceField(
        Person.objects.none(), label="People", required=False, widget=forms.CheckboxSelectMultiple
    )
    teams = forms.ModelMultipleChoiceField(
        Team.objects.none(), label="Teams", required=False, widget=forms.CheckboxSelectMultiple
    )
    externals = forms.ModelMultipleChoiceField(
        ExternalApprover.objects.none(), label="From outside, by a link", required=False,
        widget=forms.CheckboxSelectMultiple,
    )  # fmt: skip
    rule = forms.ChoiceField(label="How many have to agree?", choices=Rule.choices, widget=forms.RadioSelect)
    needed = forms.IntegerField(label="The number", min_value=1, max_value=50, initial=1, required=False)
    hours = forms.IntegerField(
        label="Hours to decide", min_value=1, max_value=1000, initial=24,
        help_text="Where a time is wanted, what there is until then is shared out in this proportion.",
    )  # fmt: skip
    field_order = ("name", "position", "remit", "anyone", "people", "teams", "externals", "rule", "needed", "hours")

    def __init__(self, *args, step: ApprovalStep | None = None, **kwargs):
        if step:
            names = ("name", "position", "remit", "anyone", "rule", "needed", "hours", *self.CONDITIONS)
            relations = ("people", "teams", "externals")
            many = {name: list(getattr(step, name).values_list("pk", flat=True)) for name in relations}
            kwargs["initial"] = {name: getattr(step, name) for name in names} | many
        else:
            kwargs.setdefault("initial", {"remit": Remit.FACTS, "rule": Rule.ANY})
        super().__init__(*args, **kwargs)
        self._offer("people", Person.objects.present())
        self._offer("externals", ExternalApprover.objects.filter(ended_at=None))
        self._offer("teams", Team.objects.all())
        self.teams_there, self.externals_there = (bool(offer_choices(self, name)) for name in ("teams", "externals"))

    def _offer(self, name: str, rows: QuerySet) -> None:
        """Those of this step first: among hundreds they would be looked for."""
        chosen = self.get_initial_for_field(self.fields[name], name)
        first = [Case(When(pk__in=chosen, then=0), default=1)] if chosen else []
        offer(self, name, rows.order_by(*first, "name"))

    def given(self) -> dict:
        """What the verb takes."""
        return {**self.cleaned_data, "needed": self.cleaned_data["needed"] or 1}


class ExternalForm(forms.Form):
    name = forms.CharField(label="Name", max_length=120)
    company = forms.CharField(label="Company", max_length=120, required=False)
    email = forms.EmailField(label="Mail address", help_text="The links and codes go there.")


class CodeForm(forms.Form):
    code = forms.CharField(
        label="The code from your mail", max_length=12,
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "one-time-code"}),
    )  # fmt: skip


class DecisionByLinkForm(forms.Form):
    """The same as somebody here fills in, at the one place that the link is for, and not without end."""

    revision_hash = forms.CharField(widget=forms.HiddenInput, max_length=64)
    note = forms.CharField(
        label="Note to the author", required=False, max_length=5000, widget=forms.Textarea(attrs={"rows": 3}),
        help_text="Needed when you ask for a change or reject.",
    )  # fmt: skip
