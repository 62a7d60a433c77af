"""Evidence: what was handed out, and handing out more."""

from django.http import FileResponse, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views import View

from governance import evidence
from governance.forms import AccessExportForm
from governance.permissions import access_bundle, bundles_for, require_reader


class EvidenceListView(View):
    """GET lists the bundles; POST makes one of who could reach what."""

    def get(self, request: HttpRequest) -> HttpResponse:
        require_reader(request.user.person)
        return self._page(request, AccessExportForm())

    def post(self, request: HttpRequest) -> HttpResponse:
        require_reader(request.user.person)
        form = AccessExportForm(request.POST)
        if not form.is_valid():
            return self._page(request, form, status=422)
        bundle = evidence.export_access(request.user.person, form.cleaned_data["at"])
        return redirect("evidence", bundle.pk)

    def _page(self, request: HttpRequest, form: AccessExportForm, status: int = 200) -> HttpResponse:
        bundles = bundles_for(request.user.person).order_by("-made_at")[:100]
        return render(request, "governance/evidence_list.html", {"bundles": bundles, "form": form}, status=status)


class EvidenceView(View):
    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        bundle = access_bundle(request.user, pk)
        return render(request, "governance/evidence_detail.html", {"bundle": bundle})


class EvidenceFileView(View):
    """The ZIP itself."""

    def get(self, request: HttpRequest, pk: int) -> FileResponse:
        bundle = access_bundle(request.user, pk)
        return FileResponse(bundle.file.open(), as_attachment=True, filename=bundle.file.name.rsplit("/", 1)[-1])
