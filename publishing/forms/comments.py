"""What people say about a post."""

from django import forms

from publishing.models import CommentThread


class CommentForm(forms.Form):
    text = forms.CharField(label="Comment", required=False, widget=forms.Textarea(attrs={"rows": 3}))
    quote = forms.CharField(
        label="About these words", required=False, widget=forms.Textarea(attrs={"rows": 1}),
        help_text="A passage of the post, as it was saved. Left empty: about the whole post.",
    )  # fmt: skip
    kind = forms.ChoiceField(choices=CommentThread.Kind.choices, required=False)

    def __init__(self, *args, **kwargs):
        kwargs["auto_id"] = "comment_%s"  # the composer on the same page has a text as well
        super().__init__(*args, **kwargs)

    @property
    def external(self) -> bool:
        return self.cleaned_data.get("kind") == CommentThread.Kind.EXTERNAL
