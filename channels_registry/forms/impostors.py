"""Reporting an account that imitates ours, and dealing with it."""

from django import forms

from accounts.models import Person
from channels_registry.forms import PersonField
from channels_registry.models import Channel, ImpostorStep
from channels_registry.models.impostor import IMPOSTOR_MOVES, ImpostorReport


class ReportForm(forms.Form):
    network = forms.CharField(
        label="Network", max_length=40, help_text="Its name, also if Socialops does not know it: tiktok, x, telegram."
    )
    handle = forms.CharField(label="Handle", max_length=200)
    url = forms.CharField(label="Address of its page", max_length=400, required=False)
    imitates = forms.ModelChoiceField(
        label="Which of our channels it imitates", queryset=Channel.objects.none(), required=False
    )
    seen = forms.CharField(label="What you saw, and where", max_length=2000, widget=forms.Textarea(attrs={"rows": 3}))
    file = forms.FileField(
        label="A picture or PDF that shows it", required=False, help_text="PNG, JPEG or PDF, at most 5 MB."
    )

    def __init__(self, *args, channels, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["imitates"].queryset = channels


class DecideForm(forms.Form):
    state = forms.ChoiceField(label="What it is")
    why = forms.CharField(label="How you know", max_length=400)

    def __init__(self, *args, report: ImpostorReport, **kwargs):
        super().__init__(*args, **kwargs)
        words = dict(ImpostorReport.State.choices)
        offered = [state for state in words if state in IMPOSTOR_MOVES[report.state] and state != "adopted"]
        again = {"reported": "Look at it again"}
        self.fields["state"].choices = [(state, again.get(state, words[state])) for state in offered]


class StepForm(forms.Form):
    kind = forms.ChoiceField(
        label="What was done", choices=[pair for pair in ImpostorStep.Kind.choices if pair[0] != "decided"]
    )
    text = forms.CharField(label="In words", max_length=500)
    reference = forms.CharField(label="The network’s number of the case", max_length=120, required=False)


class AssignForm(forms.Form):
    to = PersonField(label="Who deals with it")

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["to"].offer(Person.objects.present().order_by("name"))


class AdoptForm(forms.Form):
    name = forms.CharField(label="Name", max_length=120)
    owner = PersonField(label="Owner")
    backup_owner = PersonField(label="Backup", required=False)

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        for name in ("owner", "backup_owner"):
            self.fields[name].offer(Person.objects.present().order_by("name"))
