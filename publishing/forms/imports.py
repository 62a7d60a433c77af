"""Bringing a file of posts, saying what its columns mean, and mending a row."""

from django import forms

from channels_registry.models import Channel
from publishing.forms.fields import offer_choices, zones
from publishing.models import Import, ImportRow
from publishing.queries.columns import fields_for, own_text
from socialops.lib.sheet_forms import columns_of

LONG = ("text",)


class MappingForm(forms.Form):
    """For each field the column of the file that it stands in."""

    time_zone = forms.ChoiceField(label="Time zone of times that name none")

    def __init__(self, *args, of: Import, channels: list[Channel], **kwargs):
        super().__init__(*args, **kwargs)
        offer_choices(self, "time_zone", zones(of.time_zone))
        self.fields["time_zone"].initial = of.time_zone
        columns = columns_of(of)
        named = [c for c in channels if own_text(c) in of.mapping]
        offered = fields_for(named if len(channels) > 20 else channels)
        for name, label in offered.items():
            initial = str(of.mapping.get(name, ""))
            self.fields[name] = forms.ChoiceField(label=label, choices=columns, required=False, initial=initial)
        self.names = list(offered)

    @property
    def mapping(self) -> dict[str, int]:
        return {name: int(self.cleaned_data[name]) for name in self.names if self.cleaned_data.get(name)}


class RowForm(forms.Form):
    """The cells of one row, of the columns that mean something."""

    def __init__(self, *args, row: ImportRow, channels: list[Channel], **kwargs):
        super().__init__(*args, **kwargs)
        labels = fields_for(channels)
        for name, place in sorted(row.of.mapping.items(), key=lambda pair: pair[1]):
            long = name.startswith(LONG)
            self.fields[name] = forms.CharField(
                label=labels.get(name, name), required=False, strip=False,
                initial=row.cells[place] if place < len(row.cells) else "",
                widget=forms.Textarea(attrs={"rows": 4}) if long else forms.TextInput(),
            )  # fmt: skip
