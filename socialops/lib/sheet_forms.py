"""What is asked of whoever brings a file of rows (socialops.lib.sheets), whatever the rows become."""

from django import forms

from socialops.lib import tables
from socialops.lib.sheets import Sheet

NOWHERE = ("", "Not in this file")


class FileForm(forms.Form):
    file = forms.FileField(
        label="CSV or XLSX file", max_length=200,
        help_text="The first row names the columns. Up to 10,000 rows and 20 MB. Nothing is changed yet.",
    )  # fmt: skip


class ReadingForm(forms.Form):
    """How a CSV is read: what was guessed, to be changed."""

    encoding = forms.ChoiceField(label="Characters", choices=list(tables.ENCODINGS.items()))
    delimiter = forms.ChoiceField(
        label="Columns are divided by", choices=[(name, name.capitalize()) for name in tables.DELIMITERS]
    )


def columns_of(of: Sheet) -> list[tuple[str, str]]:
    """The columns of the file, to choose from: their places, counted from one for people."""
    return [NOWHERE, *((str(n), f"{header or 'no name'} ({n + 1})") for n, header in enumerate(of.headers))]
