"""What is asked when a channel comes or goes."""

from django import forms

from accounts.models import Person
from channels_registry import networks
from channels_registry.forms import PersonField


class ProposalForm(forms.Form):
    network = forms.ChoiceField(label="Network")
    handle = forms.CharField(
        label="Handle", max_length=400, help_text="The one you would like, or the address of its page."
    )
    name = forms.CharField(label="Name", max_length=120, help_text="What your colleagues would call it.")
    why = forms.CharField(label="Why it is needed", max_length=2000, widget=forms.Textarea(attrs={"rows": 3}))
    audience = forms.CharField(label="Whom it is to reach", max_length=300)
    owner = PersonField(label="Owner", help_text="Would answer for it, and manage who has access.")
    backup_owner = PersonField(label="Backup", required=False, help_text="When the owner is away or leaves.")
    brand = forms.CharField(label="Brand", max_length=80, required=False)
    region = forms.CharField(label="Region", max_length=80, required=False)

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["network"].choices = [(slug, networks.network(slug).label) for slug in networks.slugs()]
        for name in ("owner", "backup_owner"):
            self.fields[name].offer(Person.objects.present().order_by("name"))


class AgainForm(forms.Form):
    why = forms.CharField(label="Why it is needed", max_length=2000, widget=forms.Textarea(attrs={"rows": 3}))
    audience = forms.CharField(label="Whom it is to reach", max_length=300)


class DecisionForm(forms.Form):
    note = forms.CharField(label="A word to who proposed it", max_length=500, required=False)


class WhyForm(forms.Form):
    reason = forms.CharField(label="Why", max_length=300, help_text="Stays with the channel.")


class FinishForm(forms.Form):
    closed = forms.CharField(
        label="What became of the account over there", max_length=400, required=False,
        help_text="Only where a door could not be proven shut: deactivated, handed over to whom, left to the network.",
    )  # fmt: skip
