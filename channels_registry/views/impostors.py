"""Accounts that imitate ours: the list, a report, what is decided and done about it."""

from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import F
from django.forms import Form
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views import View

from channels_registry import impersonating
from channels_registry.forms.impostors import AdoptForm, AssignForm, DecideForm, ReportForm, StepForm
from channels_registry.models import ImpostorReport
from channels_registry.permissions import seen_by
from channels_registry.proving import media_type
from channels_registry.queries.impostors import OPEN, alike_among_ours, look_like, may_triage, report_for, reports_seen
from socialops.lib.files import handed_out
from socialops.lib.refusals import add_refusal

PAGE = 100


class ImpostorListView(View):
    """?state= one of them; by default those that are open, the clock that runs out first on top."""

    def get(self, request: HttpRequest) -> HttpResponse:
        chosen = request.GET.get("state", "")
        chosen = chosen if chosen in ImpostorReport.State.values else ""
        found = reports_seen(request.user.person)
        found = found.filter(state=chosen) if chosen else found.filter(state__in=OPEN)
        context = {
            "reports": list(found.order_by(F("due_at").asc(nulls_last=True), "-pk")[:PAGE]),
            "chosen": chosen,
            "states": ImpostorReport.State.choices,
            "alike": alike_among_ours() if request.user.is_admin else [],
        }
        return render(request, "channels_registry/impostor_list.html", context)


class ImpostorNewView(View):
    def get(self, request: HttpRequest) -> HttpResponse:
        return self._page(request, self._form(request))

    def post(self, request: HttpRequest) -> HttpResponse:
        form = self._form(request, request.POST, request.FILES)
        if form.is_valid():
            said = form.cleaned_data
            try:
                made = impersonating.report(
                    request.user.person, said["network"], said["handle"], said["seen"], url=said["url"],
                    imitates=said["imitates"], file=said["file"],
                )  # fmt: skip
            except (ValidationError, PermissionDenied) as error:
                add_refusal(form, error)
            else:
                messages.success(request, "Reported. Whoever deals with it is told.")
                return redirect("impostor", made.pk)
        return self._page(request, form, 422)

    def _form(self, request: HttpRequest, *data) -> ReportForm:
        channels = seen_by(request.user.person).exclude(state="archived").order_by("name")
        return ReportForm(*data, channels=channels)

    def _page(self, request: HttpRequest, form: ReportForm, status: int = 200) -> HttpResponse:
        return render(request, "channels_registry/impostor_new.html", {"form": form}, status=status)


class ImpostorView(View):
    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        return page(request, report_for(request.user, pk))


class ImpostorVerbView(View):
    """POST decides, does, assigns or adopts. urls.py names which."""

    act = ""

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        report, me = report_for(request.user, pk), request.user.person
        form = {
            "decide": lambda: DecideForm(request.POST, report=report), "step": lambda: StepForm(request.POST),
            "assign": lambda: AssignForm(request.POST), "adopt": lambda: AdoptForm(request.POST),
        }[self.act]()  # fmt: skip
        if form.is_valid():
            said = form.cleaned_data
            try:
                if self.act == "decide":
                    impersonating.decide(report, said["state"], me, said["why"])
                elif self.act == "step":
                    impersonating.step(report, said["kind"], me, said["text"], said["reference"])
                elif self.act == "assign":
                    impersonating.assign(report, said["to"], me)
                else:
                    return redirect("channel", impersonating.adopt(report, me, **said).pk)
                return redirect("impostor", pk)
            except ValidationError as error:
                add_refusal(form, error)
        return page(request, report, 422, **{self.act: form})


class ImpostorFileView(View):
    """The evidence, handed out as a file to keep, never shown as a page."""

    def get(self, request: HttpRequest, pk: int) -> FileResponse:
        report = report_for(request.user, pk)
        if not report.evidence_file:
            raise Http404("There is no file.")
        name = f"impostor-{pk}.{report.evidence_file.name.rpartition('.')[2]}"
        try:
            file = report.evidence_file.open("rb")
        except FileNotFoundError as error:
            raise Http404("The file is not where it was kept. Ask whoever runs Socialops.") from error
        return handed_out(file, name, media_type(report.evidence_file.name))


def page(request: HttpRequest, report: ImpostorReport, status: int = 200, **bound) -> HttpResponse:
    """With the forms that wait for this person; `bound` are those that were refused."""
    me = request.user.person
    may = may_triage(me, report)
    forms: dict[str, Form] = {}
    if may:
        if report.state != "adopted":
            forms["decide"] = DecideForm(report=report)
        forms |= {"step": StepForm(), "assign": AssignForm(initial={"to": report.owner_id})}
        if report.state == "rogue" and request.user.is_admin:
            forms["adopt"] = AdoptForm(initial={"name": report.handle})
    context = {
        "report": report, "may": may, "alike": look_like(report.handle),
        "steps": list(report.steps.select_related("by").order_by("-pk")[:100]), **forms, **bound,
    }  # fmt: skip
    return render(request, "channels_registry/impostor.html", context, status=status)
