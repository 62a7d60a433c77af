"""People and channels crossed: the matrix, and the views of it that are kept."""

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db.models import Q
from django.http import HttpRequest, HttpResponse, QueryDict, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views import View

from accounts.models import Role, Team
from accounts.permissions import has_role
from channels_registry import keeping, ledger_exporting, networks
from channels_registry.forms import MatrixViewForm, MomentForm
from channels_registry.models import Channel, MatrixView
from channels_registry.permissions import access_matrix_view, oversight
from channels_registry.queries.matrix import matrix
from channels_registry.queries.narrowing import DRIFTS, WHO, Filters, in_words, offered
from channels_registry.queries.strength import LEVELS
from socialops.lib.export import csv_chunks
from socialops.lib.refusals import add_refusal


class MatrixPageView(View):
    def get(self, request: HttpRequest) -> HttpResponse:
        chosen, me = Filters.read(request.GET), request.user.person
        sight = oversight(me)
        page, there = matrix(sight, chosen), offered(me, sight)
        context = {
            "page": page,
            "chosen": chosen,
            "narrowed": bool(chosen.narrowing),
            "saved": there.views,
            "query": chosen.address(down="", across=""),
            "start_down": chosen.address(down="") if chosen.down else "",
            "start_across": chosen.address(down="", across="") if chosen.across else "",
            "next_down": chosen.address(down=page.down) if page.down else "",
            "next_across": chosen.address(across=page.across, down="") if page.across else "",
            "networks": [(slug, networks.network(slug).label) for slug in networks.slugs()],
            "risks": [(tier.value, f"{tier.label} risk") for tier in Channel.RiskTier],
            "brands": [(brand, brand) for brand in there.brands],
            "regions": [(region, region) for region in there.regions],
            "teams": there.teams,
            "levels": [(key, words) for key, (words, _) in LEVELS.items()],
            "drifts": DRIFTS.items(),
            "whos": WHO.items(),
        }
        return render(request, "channels_registry/matrix.html", context)


class LedgerExportView(View):
    """POST hands out the doors that the matrix is made of, one a row, as they are read."""

    def post(self, request: HttpRequest) -> StreamingHttpResponse | HttpResponse:
        form = MomentForm(request.POST, zone=request.user.person.time_zone)
        if not form.is_valid():
            messages.error(request, " ".join(str(words) for errors in form.errors.values() for words in errors))
            return redirect(f"{reverse('matrix')}?{request.GET.urlencode()}")
        rows = ledger_exporting.begin_export(request.user.person, Filters.read(request.GET), form.moment)
        body = csv_chunks(tuple(ledger_exporting.COLUMNS), ledger_exporting.chunks(rows))
        name = f"access-{timezone.now():%Y-%m-%d}.csv"
        headers = {"Content-Disposition": f'attachment; filename="{name}"', "X-Accel-Buffering": "no"}
        return StreamingHttpResponse(body, content_type="text/csv; charset=utf-8", headers=headers)


class MatrixViewListView(View):
    """GET lists the kept views; POST keeps what the address describes under a name."""

    def get(self, request: HttpRequest) -> HttpResponse:
        oversight(request.user.person)
        return _list(request, MatrixViewForm())

    def post(self, request: HttpRequest) -> HttpResponse:
        form, chosen = MatrixViewForm(request.POST), Filters.read(request.GET)
        oversight(request.user.person)
        if form.is_valid():
            said = form.cleaned_data
            try:
                view = keeping.save_view(request.user.person, said["name"], chosen, said["shared"])
            except ValidationError as error:
                add_refusal(form, error)
            else:
                messages.success(request, f"Saved as “{view}”.")
                return redirect(reverse("matrix") + chosen.address(down="", across=""))
        return _list(request, form, 422)


class MatrixViewRemovalView(View):
    """POST removes it."""

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        view = access_matrix_view(request.user, pk)
        keeping.remove_view(view, request.user.person)
        messages.success(request, f"“{view}” is removed.")
        return redirect("matrix_view_list")


def _list(request: HttpRequest, form: MatrixViewForm, status: int = 200) -> HttpResponse:
    me, chosen = request.user.person, Filters.read(request.GET)
    views = MatrixView.objects.filter(Q(person=me) | Q(shared=True)).select_related("person").order_by("name", "pk")
    teams, admin = dict(Team.objects.values_list("pk", "name")), has_role(me, Role.ADMIN)
    rows = [
        {"view": view, "query": narrowed.address(), "shows": in_words(narrowed, teams),
         "may_remove": admin or view.person_id == me.pk}
        for view, narrowed in ((view, Filters.read(QueryDict(view.query))) for view in views)
    ]  # fmt: skip
    context = {"rows": rows, "form": form, "shows": in_words(chosen, teams), "mine": me}
    return render(request, "channels_registry/matrix_view_list.html", context, status=status)
