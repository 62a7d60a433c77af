"""Posts from a file and to a file: bring it, say what its columns mean, mend what is wrong, have drafts made."""

from tempfile import TemporaryFile

from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.http import FileResponse, HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views import View

from publishing import exporting, importing
from publishing.forms.imports import MappingForm, RowForm
from publishing.models import Import, ImportRow, Post
from publishing.permissions import access_import, access_import_row, may_draft_somewhere, visible_posts
from publishing.queries.columns import fields_for
from publishing.queries.wishes import seen_channels
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
                return redirect("import", importing.read(request.user.person, file, file.name).pk)
            except ValidationError as error:
                add_refusal(form, error)
        return self._page(request, form, 422)

    def _page(self, request: HttpRequest, form: FileForm, status: int = 200) -> HttpResponse:
        if not may_draft_somewhere(request.user.person):
            raise PermissionDenied("Only people who may write on a channel import posts. Ask who manages one.")
        mine = Import.objects.filter(by=request.user.person).order_by("-id")[:LATEST]
        return render(request, "publishing/import_list.html", {"form": form, "imports": mine}, status=status)


class ImportView(View):
    """?problem= a field: only the rows with that problem. ?after= the number of the row before the page."""

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        return _page(request, access_import(request.user, pk))

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        """What the columns mean; the check begins."""
        of = access_import(request.user, pk)
        form = MappingForm(request.POST, of=of, channels=seen_channels(request.user.person))
        if form.is_valid():
            try:
                importing.check(of, request.user.person, form.mapping, form.cleaned_data["time_zone"])
                return redirect("import", pk)
            except ValidationError as error:
                add_refusal(form, error)
        return _page(request, of, form, 422)


class ImportReadingView(View):
    """POST reads a CSV with another encoding, or other columns."""

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        of, form = access_import(request.user, pk), ReadingForm(request.POST)
        if form.is_valid():
            try:
                importing.read_as(of, request.user.person, **form.cleaned_data)
            except ValidationError as error:
                messages.error(request, " ".join(error.messages))
        else:
            messages.error(request, "Choose an encoding and what divides the columns.")
        return redirect("import", pk)


class ImportVerbView(View):
    """POST starts or stops it. urls.py names which."""

    act = ""

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        try:
            {"start": importing.start, "stop": importing.stop}[self.act](
                access_import(request.user, pk), request.user.person
            )
        except ValidationError as error:
            messages.error(request, " ".join(error.messages))
        return redirect("import", pk)


class ImportRowView(View):
    """One row: its fields, what is wrong beside each; POST mends it."""

    def get(self, request: HttpRequest, pk: int, number: int) -> HttpResponse:
        return self._page(request, access_import_row(request.user, pk, number))

    def post(self, request: HttpRequest, pk: int, number: int) -> HttpResponse:
        row = access_import_row(request.user, pk, number)
        form = RowForm(request.POST, row=row, channels=seen_channels(request.user.person))
        if not form.is_valid():
            return self._page(request, row, form, 422)
        try:
            row = importing.mend(row, request.user.person, form.cleaned_data)
        except ValidationError as error:
            add_refusal(form, error)
            return self._page(request, row, form, 422)
        if row.problems:
            return self._page(request, access_import_row(request.user, pk, number), status=422)
        messages.success(request, f"Row {number} is right now.")
        following = row.of.rows.exclude(problems={}).order_by("number").first()
        return redirect("import_row", pk, following.number) if following else redirect("import", pk)

    def _page(
        self, request: HttpRequest, row: ImportRow, form: RowForm | None = None, status: int = 200
    ) -> HttpResponse:
        form = form or RowForm(row=row, channels=seen_channels(request.user.person))
        beside = [(bound, row.problems.get(bound.name, "")) for bound in form]
        rest = [words for name, words in row.problems.items() if name not in form.fields]
        context = {"of": row.of, "row": row, "form": form, "beside": beside, "rest": rest}
        return render(request, "publishing/import_row.html", context, status=status)


class ExportView(View):
    """?kind= csv or xlsx, with the filters of the list of posts: ?state=, ?mine=."""

    def get(self, request: HttpRequest) -> HttpResponseBase:
        person, state = request.user.person, request.GET.get("state", "")
        posts = visible_posts(person)
        posts = posts.filter(state=state) if state in Post.State.values else posts
        posts = posts.filter(author=person) if request.GET.get("mine") else posts
        kind = "xlsx" if request.GET.get("kind") == "xlsx" else "csv"
        named = {"Content-Disposition": f'attachment; filename="posts.{kind}"', "Cache-Control": "private, no-store"}
        try:
            with transaction.atomic():
                if kind == "csv":
                    lines = exporting.write_csv(posts, person)
                    return StreamingHttpResponse(lines, content_type=KINDS[kind], headers=named)
                file = TemporaryFile()  # noqa: SIM115 (the answer closes it)
                exporting.write_xlsx(posts, person, file)
        except ValidationError as error:
            messages.error(request, " ".join(error.messages))
            return redirect("post_list")
        file.seek(0)
        return FileResponse(file, content_type=KINDS[kind], headers=named)


def _page(request: HttpRequest, of: Import, form: MappingForm | None = None, status: int = 200) -> HttpResponse:
    channels, found = seen_channels(request.user.person), counts(of)
    problem = request.GET.get("problem", "")
    rows = wrong_rows(of, problem).filter(number__gt=number(request.GET.get("after")) or 0)
    page = list(rows[: PAGE + 1])
    labels = fields_for(channels) | {"row": "Row"}
    shown = [(row, [(labels.get(name, name), words) for name, words in row.problems.items()]) for row in page[:PAGE]]
    query = request.GET.copy()
    if page[PAGE:]:
        query["after"] = str(page[PAGE - 1].number)
    editable = not of.started_at and not of.at_work
    context = {
        "of": of, "here": reverse("import", args=[of.pk]), "start_url": reverse("import_posts", args=[of.pk]),
        "making": "Making drafts", "counts": found, "rows": shown, "problem": problem,
        "fields": [(name, labels[name]) for name in labels if name in of.mapping or name == "row"],
        "next": f"?{query.urlencode()}" if page[PAGE:] else "", "editable": editable,
        "form": form or (MappingForm(of=of, channels=channels) if editable else None),
        "reading": ReadingForm(initial={"encoding": of.encoding, "delimiter": of.delimiter}) if editable else None,
        "done": found.imported if of.started_at else found.read,
        "goal": found.imported + found.right if of.started_at else of.total,
    }  # fmt: skip
    return render(request, "publishing/import_detail.html", context, status=status)
