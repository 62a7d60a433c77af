"""Channels from a file and to a file: bring it, say what its columns mean, mend what is wrong, have it entered."""

from tempfile import TemporaryFile

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import FileResponse, HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views import View

from accounts.models import Role
from accounts.permissions import require_role
from channels_registry import exporting, importing, queries
from channels_registry.forms.imports import MappingForm, RowForm
from channels_registry.models import ChannelImport, ChannelRow
from channels_registry.permissions import access_channel_import, access_channel_row
from channels_registry.queries.columns import LABELS
from channels_registry.views.channels import filter_of
from socialops.lib.numbers import number
from socialops.lib.refusals import add_refusal
from socialops.lib.sheet_forms import FileForm, ReadingForm
from socialops.lib.sheets import counts, wrong_rows

PAGE, LATEST = 25, 50
KINDS = {"csv": "text/csv; charset=utf-8", "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"}


class ImportListView(View):
    """One's own files; POST brings another."""

    def get(self, request: HttpRequest) -> HttpResponse:
        return self._page(request, FileForm())

    def post(self, request: HttpRequest) -> HttpResponse:
        form = FileForm(request.POST, request.FILES)
        if form.is_valid():
            file = form.cleaned_data["file"]
            try:
                return redirect("channel_import", importing.read(request.user.person, file, file.name).pk)
            except ValidationError as error:
                add_refusal(form, error)
        return self._page(request, form, 422)

    def _page(self, request: HttpRequest, form: FileForm, status: int = 200) -> HttpResponse:
        require_role(request.user.person, Role.ADMIN)
        mine = ChannelImport.objects.filter(by=request.user.person).order_by("-id")[:LATEST]
        context = {"form": form, "imports": mine, "columns": LABELS.values()}
        return render(request, "channels_registry/import_list.html", context, status=status)


class ImportView(View):
    """?problem= a field: only the rows with that problem. ?after= the number of the row before the page."""

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        return _page(request, access_channel_import(request.user, pk))

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        """What the columns mean; the check begins."""
        of = access_channel_import(request.user, pk)
        form = MappingForm(request.POST, of=of)
        if form.is_valid():
            make = form.cleaned_data["make_people"]
            try:
                importing.check(of, request.user.person, form.mapping, make_people=make)
                return redirect("channel_import", pk)
            except ValidationError as error:
                add_refusal(form, error)
        return _page(request, of, form, 422)


class ImportReadingView(View):
    """POST reads a CSV with another encoding, or other columns."""

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        of, form = access_channel_import(request.user, pk), ReadingForm(request.POST)
        if form.is_valid():
            try:
                importing.read_as(of, request.user.person, **form.cleaned_data)
            except ValidationError as error:
                messages.error(request, " ".join(error.messages))
        else:
            messages.error(request, "Choose an encoding and what divides the columns.")
        return redirect("channel_import", pk)


class ImportVerbView(View):
    """POST starts or stops it. urls.py names which."""

    act = ""

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        of = access_channel_import(request.user, pk)
        try:
            {"start": importing.start, "stop": importing.stop}[self.act](of, request.user.person)
        except ValidationError as error:
            messages.error(request, " ".join(error.messages))
        return redirect("channel_import", pk)


class ImportRowView(View):
    """One row: its fields, what is wrong beside each; POST mends it."""

    def get(self, request: HttpRequest, pk: int, number: int) -> HttpResponse:
        return self._page(request, access_channel_row(request.user, pk, number))

    def post(self, request: HttpRequest, pk: int, number: int) -> HttpResponse:
        row = access_channel_row(request.user, pk, number)
        form = RowForm(request.POST, row=row)
        if not form.is_valid():
            return self._page(request, row, form, 422)
        try:
            row = importing.mend(row, request.user.person, form.cleaned_data)
        except ValidationError as error:
            messages.error(request, " ".join(error.messages))
            return redirect("channel_import", pk)
        if row.problems:
            return self._page(request, row, form, 422)
        messages.success(request, f"Row {number} is right now.")
        return redirect("channel_import", pk)

    def _page(
        self, request: HttpRequest, row: ChannelRow, form: RowForm | None = None, status: int = 200
    ) -> HttpResponse:
        form = form or RowForm(row=row)
        beside = [(bound, row.problems.get(bound.name, "")) for bound in form]
        rest = [words for name, words in row.problems.items() if name not in form.fields]
        context = {"of": row.of, "row": row, "form": form, "beside": beside, "rest": rest}
        return render(request, "channels_registry/import_row.html", context, status=status)


class ImportErrorsView(View):
    """The rows to mend, as CSV, with what is wrong in a last column."""

    def get(self, request: HttpRequest, pk: int) -> HttpResponseBase:
        of = access_channel_import(request.user, pk)
        return StreamingHttpResponse(
            exporting.write_wrong(of), content_type=KINDS["csv"], headers=_named("channels-to-mend.csv")
        )


class ExportView(View):
    """?kind= csv or xlsx, with the filters of the list of channels."""

    def get(self, request: HttpRequest) -> HttpResponseBase:
        person, kind = request.user.person, "xlsx" if request.GET.get("kind") == "xlsx" else "csv"
        require_role(person, Role.ADMIN, Role.SOCIAL_LEAD, Role.AUDITOR)
        channels = queries.chosen_channels(person, filter_of(request))
        with transaction.atomic():
            if kind == "csv":
                lines = exporting.write_csv(channels, person)
                return StreamingHttpResponse(lines, content_type=KINDS[kind], headers=_named("channels.csv"))
            file = TemporaryFile()  # noqa: SIM115 (the answer closes it)
            exporting.write_xlsx(channels, person, file)
        file.seek(0)
        return FileResponse(file, content_type=KINDS[kind], headers=_named("channels.xlsx"))


def _named(name: str) -> dict[str, str]:
    return {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "private, no-store"}


def _page(request: HttpRequest, of: ChannelImport, form: MappingForm | None = None, status: int = 200) -> HttpResponse:
    found, problem = counts(of), request.GET.get("problem", "")
    rows = wrong_rows(of, problem).filter(number__gt=number(request.GET.get("after")) or 0)
    page = list(rows[: PAGE + 1])
    labels = LABELS | {"row": "Row"}
    query = request.GET.copy()
    if page[PAGE:]:
        query["after"] = str(page[PAGE - 1].number)
    editable = not of.started_at and not of.at_work
    context = {
        "of": of, "here": reverse("channel_import", args=[of.pk]), "making": "Entering channels",
        "start_url": reverse("channel_import_start", args=[of.pk]), "counts": found, "problem": problem,
        "errors_url": reverse("channel_import_errors", args=[of.pk]),
        "rows": [(row, [(labels.get(name, name), said) for name, said in row.problems.items()]) for row in page[:PAGE]],
        "fields": [(name, labels[name]) for name in labels if name in of.mapping or name == "row"],
        "next": f"?{query.urlencode()}" if page[PAGE:] else "", "editable": editable,
        "form": form or (MappingForm(of=of) if editable else None),
        "reading": ReadingForm(initial={"encoding": of.encoding, "delimiter": of.delimiter}) if editable else None,
        "done": found.imported if of.started_at else found.read,
        "goal": found.imported + found.right if of.started_at else of.total,
    }  # fmt: skip
    return render(request, "channels_registry/import_detail.html", context, status=status)
