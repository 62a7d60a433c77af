"""What people fill in about words: rules, and snippets."""

from django import forms

from publishing.models import PhraseRule


class PhraseRuleForm(forms.Form):
    words = forms.CharField(
        max_length=120, help_text="One or a few words. A * at the end of a word stands for any ending: guarant*."
    )
    kind = forms.ChoiceField(label="What do they need?", choices=PhraseRule.Kind.choices)
    reason = forms.CharField(
        label="Why?", max_length=300, help_text="Who writes them reads it, and so does who approves them all the same."
    )


class SnippetForm(forms.Form):
    name = forms.CharField(max_length=60, help_text="Your own snippet of the same name is replaced.")
    text = forms.CharField(
        max_length=5000, strip=False, widget=forms.Textarea(attrs={"rows": 4}),
        help_text="Words, or a set of hashtags.",
    )  # fmt: skip
    expires_on = forms.DateField(
        label="Until", required=False, widget=forms.DateInput(attrs={"type": "date"}),
        help_text="After this day it is not offered any more.",
    )  # fmt: skip
