"""What people say of a picture in the library."""

from zoneinfo import ZoneInfo

from django import forms
from django.urls import reverse_lazy

from accounts.models import Person
from publishing.forms.fields import WallTimeField
from publishing.models import Asset
from publishing.rendering import RATIOS, middle
from socialops.lib import wall_clock


class AssetForm(forms.Form):
    """What is said of a picture: words for finding it, its alt text, and the rights to it."""

    title = forms.CharField(label="Title", required=False, max_length=140, help_text="For finding it here.")
    alt_text = forms.CharField(
        label="Alt text", required=False, strip=False, widget=forms.Textarea(attrs={"rows": 3}),
        help_text="What somebody who cannot see it needs to know. Posts begin with it.",
    )  # fmt: skip
    folder = forms.CharField(label="Folder", required=False, max_length=120, help_text="For example Shops/Lyon.")
    tags = forms.CharField(label="Tags", required=False, max_length=800, help_text="With commas between them.")
    licence = forms.CharField(label="Licence", required=False, max_length=200, help_text="For example CC BY 4.0.")
    credit = forms.CharField(label="Credit", required=False, max_length=120, help_text="Who made it.")
    release = forms.ChoiceField(label="Have the people in it agreed?", required=False, choices=Asset.Release.choices)
    release_note = forms.CharField(label="Which release, and where it is kept", required=False, max_length=200)
    territory = forms.CharField(
        label="Where it may be shown", required=False, max_length=120, help_text="Empty: everywhere."
    )
    expires = WallTimeField(label="Rights end", required=False, help_text="Empty: they do not end.")

    def __init__(self, *args, person: Person, **kwargs):
        super().__init__(*args, **kwargs)
        self.zone = person.time_zone

    @property
    def said(self) -> dict:
        """What the verbs take."""
        told = dict(self.cleaned_data)
        told.pop("file", None)
        told.pop("upload", None)
        told["tags"] = told["tags"].split(",")
        wall = told.pop("expires")
        return told | {"expires_at": wall_clock.read(wall, self.zone).instant if wall else None}

    @staticmethod
    def told(asset: Asset, person: Person) -> dict:
        """The form's initial values for an asset."""
        names = ("title", "alt_text", "folder", "licence", "credit", "release", "release_note", "territory")
        ends = asset.expires_at
        wall = ends.astimezone(ZoneInfo(person.time_zone)).replace(tzinfo=None) if ends else None
        return {name: getattr(asset, name) for name in names} | {"tags": ", ".join(asset.tags), "expires": wall}


def _file(label: str) -> forms.FileField:
    """A file in the form, or before it in pieces (the field `upload`)."""
    return forms.FileField(
        label=label, required=False, max_length=500, help_text="JPEG, PNG, WebP, GIF, MP4, MOV or WebM.",
        widget=forms.ClearableFileInput(attrs={"data-upload": reverse_lazy("upload_new")}),
    )  # fmt: skip


class UploadForm(AssetForm):
    file = _file("File")
    upload = forms.UUIDField(required=False, widget=forms.HiddenInput)
    field_order = ("file",)

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["title"].help_text = "Empty: the name of the file."


class AttachForm(forms.Form):
    """A picture for a post: `asset` from the library, or a new file with its alt text."""

    file = _file("A new file")
    upload = forms.UUIDField(required=False, widget=forms.HiddenInput)
    alt_text = forms.CharField(
        label="Alt text", required=False, strip=False, widget=forms.Textarea(attrs={"rows": 2}),
        help_text="What somebody who cannot see it needs to know.",
    )  # fmt: skip
    asset = forms.IntegerField(required=False, widget=forms.HiddenInput)
    expected_revision = forms.IntegerField(widget=forms.HiddenInput)


class PictureForm(forms.Form):
    """What the panel of a post sends about one of its pictures. `channel`: on this one only."""

    expected_revision = forms.IntegerField()
    alt = forms.CharField(required=False, strip=False)
    format = forms.CharField(required=False)
    channel = forms.IntegerField(required=False)


class CropForm(forms.Form):
    """Which part to keep, in percent of the picture; or a `place`, the largest part there: start, middle or end."""

    x = forms.FloatField(label="From the left, %", min_value=0, max_value=100)
    y = forms.FloatField(label="From the top, %", min_value=0, max_value=100)
    width = forms.FloatField(label="Width, %", min_value=2, max_value=100)
    place = forms.ChoiceField(required=False, choices=[(each, each) for each in ("start", "middle", "end")])

    def box(self, asset: Asset, format: str) -> dict[str, float]:
        """What rendering.crop takes."""
        said = self.cleaned_data
        if said["place"]:
            share = {"start": 0.0, "middle": 0.5, "end": 1.0}[said["place"]]
            _, _, w, h = middle(asset, RATIOS[format])
            return {"x": (1 - w) * share, "y": (1 - h) * share, "width": w}
        return {name: said[name] / 100 for name in ("x", "y", "width")}
