"""What people fill in about campaigns and tags."""

from django import forms

from accounts.models import Person
from publishing.forms.fields import offer
from publishing.models import Campaign
from publishing.models.campaign import MOST_PARAMETERS, problems_of_rule

SPARE = 3  # empty lines below those that are filled in
DAY = {"type": "date"}


class CampaignForm(forms.Form):
    """`link_rule` is a line a parameter: parameter_<n> and value_<n>."""

    name = forms.CharField(label="Name", max_length=120)
    goal = forms.CharField(
        label="Goal", max_length=300, required=False, help_text="What should have changed at its end?"
    )
    audience = forms.CharField(label="Audience", max_length=300, required=False)
    starts_on = forms.DateField(label="Starts", required=False, widget=forms.DateInput(attrs=DAY, format="%Y-%m-%d"))
    ends_on = forms.DateField(label="Ends", required=False, widget=forms.DateInput(attrs=DAY, format="%Y-%m-%d"))
    budget_code = forms.CharField(label="Budget code", max_length=40, required=False)
    owner = forms.ModelChoiceField(Person.objects.none(), label="Owner", empty_label=None)

    def __init__(self, *args, campaign: Campaign | None = None, person: Person, **kwargs):
        if campaign:
            kwargs["initial"] = {name: getattr(campaign, name) for name in self.base_fields} | {
                "owner": campaign.owner_id
            }
        else:
            kwargs.setdefault("initial", {"owner": person.pk})
        super().__init__(*args, **kwargs)
        offer(self, "owner", Person.objects.present().order_by("name"))
        rule = list((campaign.link_rule if campaign else {}).items())
        count = min(max(len(rule) + SPARE, self._sent()), MOST_PARAMETERS)
        self.lines = [self._line(n, *(rule[n] if n < len(rule) else ("", ""))) for n in range(count)]

    def _line(self, n: int, parameter: str, value: str) -> tuple[str, str]:
        names = f"parameter_{n}", f"value_{n}"
        for name, label, initial in zip(names, ("Parameter", "Value"), (parameter, value), strict=True):
            widget = forms.TextInput(attrs={"autocapitalize": "off", "spellcheck": "false", "class": "mono"})
            self.fields[name] = forms.CharField(
                label=f"{label} {n + 1}", required=False, max_length=120, initial=initial, widget=widget
            )
        return names

    def _sent(self) -> int:
        return sum(1 for n in range(MOST_PARAMETERS) if f"parameter_{n}" in self.data) if self.is_bound else 0

    @property
    def parameters(self) -> list[tuple]:
        """The fields of each line."""
        return [(self[parameter], self[value]) for parameter, value in self.lines]

    @property
    def link_rule(self) -> dict[str, str]:
        """What is typed so far, or what stands."""
        said = self.cleaned_data if self.is_bound else {name: f.initial for name, f in self.fields.items()}
        pairs = ((said.get(p) or "", said.get(v) or "") for p, v in self.lines)
        return {parameter: value for parameter, value in pairs if parameter or value}

    def clean(self) -> None:
        """What is wrong with a line stands beside its field."""
        seen: set[str] = set()
        for parameter, value in self.lines:
            name, said = self.cleaned_data.get(parameter, ""), self.cleaned_data.get(value, "")
            if name and name in seen:
                self.add_error(parameter, f"“{name}” stands there already. Write each parameter once.")
            elif (name or said) and (problem := problems_of_rule({name: said}).get(name)):
                bad_value = not problem.startswith("“")
                self.add_error(value if bad_value else parameter, problem)
            seen.add(name)

    def given(self) -> dict:
        """What the verb takes."""
        return {name: self.cleaned_data[name] for name in self.base_fields} | {"link_rule": self.link_rule}


class TagForm(forms.Form):
    tag = forms.CharField(widget=forms.HiddenInput, max_length=40)
    to = forms.CharField(label="New name", max_length=40)
