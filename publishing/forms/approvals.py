"""Asking for approval, and deciding."""

from datetime import datetime

from django import forms

from accounts.models import Person
from publishing.forms.fields import WallTimeField, offer, offer_choices, zones
from publishing.models import Remit
from socialops.lib import wall_clock


class SubmissionForm(forms.Form):
    asked_of = forms.ModelChoiceField(
        Person.objects.none(), label="Who should decide?", empty_label="Choose a person",
        help_text="People who may approve on every channel of this post, and had no hand in it.",
    )  # fmt: skip
    question = forms.ChoiceField(
        label="What do you ask them to confirm?",
        choices=Remit.choices,
        widget=forms.RadioSelect,
        initial="facts",
    )
    boosted = forms.BooleanField(
        label="It will be promoted for money", required=False, help_text="Others may have to agree then."
    )
    override = forms.CharField(
        label="Why are these words right?", required=False, max_length=500, widget=forms.Textarea(attrs={"rows": 2}),
        help_text="Whoever decides reads it, and it stays in the trail.",
    )  # fmt: skip
    wanted = WallTimeField(label="When should it go out?", required=False)
    time_zone = forms.ChoiceField(label="Time zone", required=False)
    earliest = WallTimeField(label="Not before", required=False)
    latest = WallTimeField(label="Not after", required=False)

    def __init__(self, *args, approvers, person: Person, **kwargs):
        """`approvers` is None where a workflow says who is asked."""
        super().__init__(*args, **kwargs)
        self.nobody = False
        if approvers is None:
            del self.fields["asked_of"], self.fields["question"]
        else:
            offer(self, "asked_of", approvers)
            self.nobody = len(offer_choices(self, "asked_of")) == 1  # only “Choose a person”
        offer_choices(self, "time_zone", zones(person.time_zone))

    def clean(self) -> None:
        ends = [self.cleaned_data.get("earliest"), self.cleaned_data.get("latest")]
        if any(ends) and not all(ends):
            self.add_error("earliest" if ends[1] else "latest", "Give both ends, or neither.")

    def asked(self) -> dict:
        """What the verb takes."""
        said, ends = self.cleaned_data, (self._instant("earliest"), self._instant("latest"))
        return {
            "asked_of": said.get("asked_of"), "question": said.get("question") or "facts", "boosted": said["boosted"],
            "wanted_at": self._instant("wanted"), "window": ends if all(ends) else None,
            "override": said["override"],
        }  # fmt: skip

    def _instant(self, name: str) -> datetime | None:
        wall = self.cleaned_data.get(name)
        return wall_clock.read(wall, self.cleaned_data["time_zone"] or "UTC").instant if wall else None


class DecisionForm(forms.Form):
    revision_hash = forms.CharField(widget=forms.HiddenInput, max_length=64)
    stage = forms.IntegerField(widget=forms.HiddenInput, required=False, min_value=1, max_value=2**63 - 1)
    note = forms.CharField(
        label="Note to the author", required=False, widget=forms.Textarea(attrs={"rows": 3}),
        help_text="Needed when you ask for a change or reject.",
    )  # fmt: skip
