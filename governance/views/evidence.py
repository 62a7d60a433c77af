"""Evidence: what was handed out, what a pack would hold, and having one made."""

from django.core.exceptions import ValidationError
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views import View

from governance import evidence
from governance.forms import PackForm
from governance.models import EvidenceBundle
from governance.permissions import access_bundle, bundles_for, require_reader
from governance.queries import controls, packs
from socialops.lib.wall_clock import database_now


class EvidenceListView(View):
    """GET lists the packs; POST asks for one."""

    def get(self, request: HttpRequest) -> HttpResponse:
        require_reader(request.user.person)
        return self._page(request, PackForm(initial={"kind": "access", "sample": 25, **request.GET.dict()}))

    def post(self, request: HttpRequest) -> HttpResponse:
        require_reader(request.user.person)
        form = PackForm(request.POST)
        if not form.is_valid():
            return self._page(request, form, status=422)
        data = form.cleaned_data
        bundle = evidence.ask(
            request.user.person, data["kind"], data["scope"], data["at"], data["sample"], data["seed"]
        )
        return redirect("evidence", bundle.pk)

    def _page(self, request: HttpRequest, form: PackForm, status: int = 200) -> HttpResponse:
        bundles = bundles_for(request.user.person).defer("manifest").order_by("-asked_at")[:100]
        return render(request, "governance/evidence_list.html", {"bundles": bundles, "form": form}, status=status)


class EvidenceNewView(View):
    """What a pack would hold, before it is asked for."""

    def get(self, request: HttpRequest) -> HttpResponse:
        require_reader(request.user.person)
        form = PackForm(request.GET)
        if not form.is_valid():
            context = {"bundles": bundles_for(request.user.person).none(), "form": form}
            return render(request, "governance/evidence_list.html", context, status=422)
        data = form.cleaned_data
        evidence.refuse_own(request.user.person, data["kind"], data["scope"])
        kind, moment = packs.KINDS[data["kind"]], data["at"] or database_now()
        contents = kind.contents(data["scope"], moment)
        context = {
            "title": kind.title(data["scope"]), "kind": kind, "contents": contents, "events": contents.events.count(),
            "shown": controls.shown_in({table.name for table in contents.tables}), "given": request.GET.items(),
            "sample": data["sample"], "about": request.GET.urlencode(),
        }  # fmt: skip
        return render(request, "governance/evidence_new.html", context)


class EvidenceView(View):
    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        bundle = access_bundle(request.user, pk)
        files = sorted(bundle.manifest.get("files", {}).items())
        return render(request, "governance/evidence_detail.html", {"bundle": bundle, "files": files})


class EvidenceMakingView(View):
    """POST has one made again that could not be."""

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        bundle = access_bundle(request.user, pk)
        try:
            evidence.ask_again(bundle, request.user.person)
        except ValidationError as error:
            context = {"bundle": bundle, "errors": error.messages}
            return render(request, "governance/evidence_detail.html", context, status=422)
        return redirect("evidence", pk)


class EvidenceFileView(View):
    """The ZIP itself."""

    def get(self, request: HttpRequest, pk: int) -> FileResponse:
        return _handed_out(_made(request, pk).file)


class EvidenceReportView(View):
    """The report on paper, which is in the ZIP too."""

    def get(self, request: HttpRequest, pk: int) -> FileResponse:
        return _handed_out(_made(request, pk).pdf)


def _made(request: HttpRequest, pk: int) -> EvidenceBundle:
    bundle = access_bundle(request.user, pk)
    if bundle.state != EvidenceBundle.State.MADE:
        raise Http404
    return bundle


def _handed_out(file) -> FileResponse:
    if not file:
        raise Http404
    return FileResponse(file.open(), as_attachment=True, filename=file.name.rsplit("/", 1)[-1])
