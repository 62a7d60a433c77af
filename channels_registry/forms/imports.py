"""Bringing a file of channels, saying what its columns mean, and mending a row."""

from django import forms

from channels_registry.models import ChannelImport, ChannelRow
from channels_registry.queries.columns import LABELS
from socialops.lib.sheet_forms import columns_of


class MappingForm(forms.Form):
    """For each field the column of the file that it stands in."""

    def __init__(self, *args, of: ChannelImport, **kwargs):
        super().__init__(*args, **kwargs)
        columns = columns_of(of)
        for name, label in LABELS.items():
            initial = str(of.mapping.get(name, ""))
            self.fields[name] = forms.ChoiceField(label=label, choices=columns, required=False, initial=initial)
        self.fields["make_people"] = forms.BooleanField(
            label="Make people of addresses that nobody here has", required=False, initial=of.make_people,
            help_text="They get no login by it: that takes an invitation.",
        )  # fmt: skip

    @property
    def mapping(self) -> dict[str, int]:
        return {name: int(self.cleaned_data[name]) for name in LABELS if self.cleaned_data.get(name)}


class RowForm(forms.Form):
    """The cells of one row, of the columns that mean something."""

    def __init__(self, *args, row: ChannelRow, **kwargs):
        super().__init__(*args, **kwargs)
        for name, place in sorted(row.of.mapping.items(), key=lambda pair: pair[1]):
            self.fields[name] = forms.CharField(
                label=LABELS.get(name, name), required=False, strip=False,
                initial=row.cells[place] if place < len(row.cells) else "",
                widget=forms.Textarea(attrs={"rows": 4}) if name == "closing_procedure" else forms.TextInput(),
            )  # fmt: skip
