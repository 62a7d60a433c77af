"""What people fill in. The rules are in the verbs; forms read and keep what was typed."""

from datetime import datetime, timedelta
from uuid import uuid4

from django import forms
from django.utils import timezone

from channels_registry.permissions import people_with
from inbox.models import Conversation
from socialops.lib.wall_clock import database_now

SNOOZES = {"hours": "For 4 hours", "tomorrow": "Until tomorrow, 9:00", "monday": "Until Monday, 9:00"}


class ReplyForm(forms.Form):
    """`token` names this form: sent twice, it is one reply. `seen` is the last message that its writer saw."""

    text = forms.CharField(
        label="Your answer",
        strip=False,
        required=False,
        widget=forms.Textarea(attrs={"rows": 3, "data-key": "r", "placeholder": "Write an answer"}),
    )
    token = forms.CharField(max_length=40, required=False, widget=forms.HiddenInput)
    seen = forms.IntegerField(required=False, widget=forms.HiddenInput)

    @classmethod
    def blank(cls) -> "ReplyForm":
        return cls(initial={"token": uuid4().hex})


class AssignmentForm(forms.Form):
    to = forms.ModelChoiceField(
        queryset=None, required=False, empty_label="Nobody: everybody who may answer sees it", label="Who answers?"
    )
    reason = forms.CharField(label="Why", required=False, max_length=200, help_text="The one you ask reads it.")

    def __init__(self, *args, conversation: Conversation, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["to"].queryset = people_with(conversation.channel_id, "answer")


class SnoozeForm(forms.Form):
    span = forms.ChoiceField(choices=list(SNOOZES.items()))

    def until(self) -> datetime:
        """The end, by the reader's clock."""
        now = timezone.localtime(database_now())
        if self.cleaned_data["span"] == "hours":
            return now + timedelta(hours=4)
        days = 1 if self.cleaned_data["span"] == "tomorrow" else 7 - now.weekday()
        morning = (now + timedelta(days=days)).replace(tzinfo=None, hour=9, minute=0, second=0, microsecond=0)
        return timezone.make_aware(morning)


class ConfirmationForm(forms.Form):
    url = forms.CharField(label="Its address", required=False, max_length=600)
