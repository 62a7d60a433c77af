"""What people fill in to hold something, and to decide what was held."""

from collections.abc import Iterable

from django import forms

from channels_registry import networks
from channels_registry.models import Channel
from publishing.forms.fields import offer_choices
from publishing.models import Campaign, Hold
from socialops.lib.numbers import numbers


class HoldForm(forms.Form):
    """`scope` is "everything", or a kind and which: "network:<slug>", "channel:<id>", "campaign:<id>", "tag:<tag>"."""

    scope = forms.ChoiceField(label="What should stop?")
    reason = forms.CharField(label="Why?", max_length=300, help_text="Everybody sees it while the hold stands.")

    def __init__(
        self,
        *args,
        whole: bool,
        channels: Iterable[Channel],
        campaigns: Iterable[Campaign],
        tags: Iterable[str],
        **more,
    ):
        super().__init__(*args, **more)
        self.whole, self.channels = whole, {str(c.pk): c for c in channels}
        self.campaigns = {str(c.pk): c for c in campaigns}
        groups: dict[str, list] = {
            "Networks": [(f"network:{s}", networks.network(s).label) for s in networks.slugs()] if whole else [],
            "Campaigns": [(f"campaign:{pk}", c.name) for pk, c in self.campaigns.items()],
            "Tags": [(f"tag:{tag}", tag) for tag in tags],
            "Channels": [(f"channel:{pk}", str(c)) for pk, c in self.channels.items()],
        }
        wide: list = [("everything", "Everything")] if whole else []
        wide += [(name, each) for name, each in groups.items() if each]
        offer_choices(self, "scope", wide)

    def scoped(self) -> Hold:
        """What was chosen, as a hold that is not saved."""
        kind, _, value = self.cleaned_data["scope"].partition(":")
        return Hold(
            network=value if kind == "network" else "", tag=value if kind == "tag" else "",
            channel=self.channels.get(value) if kind == "channel" else None,
            campaign=self.campaigns.get(value) if kind == "campaign" else None,
        )  # fmt: skip


class TaskForm(forms.Form):
    note = forms.CharField(label="What did you do, and what do you see now?", max_length=500)


class TriageForm(forms.Form):
    """`decision` is what to do with those that are `chosen`; a button of one row says "<decision>:<id>" instead."""

    decision = forms.CharField()
    chosen = forms.TypedMultipleChoiceField(coerce=int, required=False)
    day = forms.DateField(label="Day", required=False, widget=forms.DateInput(attrs={"type": "date"}))

    def __init__(self, *args, held: Iterable[int], **more):
        super().__init__(*args, **more)
        offer_choices(self, "chosen", [(str(pk), str(pk)) for pk in held])

    def clean(self) -> None:
        fate, _, one = self.cleaned_data.get("decision", "").partition(":")
        self.fate = fate
        self.wanted = numbers([one]) or self.cleaned_data.get("chosen", [])
        if fate not in ("kept", "moved", "dropped"):
            self.add_error("decision", "Choose what becomes of them: keep, move or drop.")
        elif not self.wanted:
            self.add_error("chosen", "Choose at least one of them.")
        elif fate == "moved" and not self.cleaned_data.get("day") and "day" not in self.errors:
            self.add_error("day", "Choose the day to move them to.")
