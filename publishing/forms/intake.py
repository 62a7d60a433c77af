"""What strangers fill in, and what is decided about it."""

from typing import cast

from django import forms
from django.core.validators import URLValidator
from django.utils import timezone

from channels_registry.models import Channel
from publishing.forms.fields import offer
from publishing.models import Campaign, IntakeForm, PostRequest

TRAP = {"tabindex": "-1", "autocomplete": "off"}


class AskingForm(forms.Form):
    """`website` is a trap: a person does not see it, a machine fills it in."""

    who = forms.CharField(label="Your name", max_length=120)
    email = forms.EmailField(label="Your e-mail address", max_length=254, help_text="For telling you how it stands.")
    what = forms.CharField(
        label="What should people read?", max_length=5000, widget=forms.Textarea(attrs={"rows": 6, "maxlength": 5000}),
        help_text="In your own words. We make it fit each network.",
    )  # fmt: skip
    why = forms.CharField(
        label="Why does it matter?", max_length=1000, required=False, widget=forms.Textarea(attrs={"rows": 2})
    )
    audience = forms.CharField(label="Who should see it?", max_length=300, required=False)
    wanted_on = forms.DateField(
        label="When should it go out?", required=False, widget=forms.DateInput(attrs={"type": "date"})
    )
    link = forms.URLField(
        label="A link to more", max_length=600, required=False, assume_scheme="https",
        validators=[URLValidator(["http", "https"])],
    )  # fmt: skip
    channels = forms.ModelMultipleChoiceField(
        Channel.objects.none(), label="Where?", required=False, widget=forms.CheckboxSelectMultiple
    )
    campaign = forms.ModelChoiceField(Campaign.objects.none(), label="Part of", required=False, empty_label="Nothing")
    website = forms.CharField(required=False, widget=forms.TextInput(attrs=TRAP))

    def __init__(self, *args, intake: IntakeForm, **more):
        super().__init__(*args, **more)
        channels = offer(self, "channels", intake.channels.exclude(state="archived").order_by("name"))
        campaigns = offer(self, "campaign", intake.campaigns.filter(archived_at=None).order_by("name"))
        for name, rows in (("channels", channels), ("campaign", campaigns)):
            if not rows:
                del self.fields[name]

    def clean_wanted_on(self):
        day = self.cleaned_data["wanted_on"]
        if day and day < timezone.localdate():
            raise forms.ValidationError("This day has passed. Choose a later one.")
        return day

    def given(self) -> dict:
        return {name: value for name, value in self.cleaned_data.items() if name != "website"}


class IntakeFormForm(forms.Form):
    name = forms.CharField(
        label="Name", max_length=120, help_text="Who opens the link sees it: “Ask Fernhill for a post”."
    )
    channels = forms.ModelMultipleChoiceField(
        Channel.objects.none(), label="Channels they may suggest", required=False, widget=forms.CheckboxSelectMultiple
    )
    campaigns = forms.ModelMultipleChoiceField(
        Campaign.objects.none(), label="Campaigns they may suggest", required=False, widget=forms.CheckboxSelectMultiple
    )

    def __init__(self, *args, **more):
        super().__init__(*args, **more)
        offer(self, "channels", Channel.objects.exclude(state="archived").order_by("name"))
        offer(self, "campaigns", Campaign.objects.filter(archived_at=None).order_by("name"))


class RefusalForm(forms.Form):
    reason = forms.ChoiceField(label="Why?", choices=PostRequest.Refusal.choices)
    note = forms.CharField(
        label="A word to them", max_length=1000, required=False, widget=forms.Textarea(attrs={"rows": 2}),
        help_text="They get the reason and this by mail.",
    )  # fmt: skip


class DuplicateForm(forms.Form):
    of = forms.ModelChoiceField(PostRequest.objects.none(), label="The same as", empty_label="Choose the earlier one")

    def __init__(self, *args, request: PostRequest, **more):
        super().__init__(*args, **more)
        earlier = PostRequest.objects.filter(duplicate_of=None).exclude(pk=request.pk).order_by("-received_at")
        offer(self, "of", earlier)
        cast(forms.ModelChoiceField, self.fields["of"]).choices = [  # the latest are enough to choose from
            ("", "Choose the earlier one"), *((each.pk, str(each)) for each in earlier[:50]),
        ]  # fmt: skip


class AcceptanceForm(forms.Form):
    channels = forms.ModelMultipleChoiceField(
        Channel.objects.none(), label="Channels", required=False, widget=forms.CheckboxSelectMultiple
    )

    def __init__(self, *args, offered, **more):
        super().__init__(*args, **more)
        offer(self, "channels", offered)
