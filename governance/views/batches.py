"""Many who leave at once: recording it, and how far all of their doors are."""

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views import View

from accounts.forms import now_in
from accounts.models.person import Role
from accounts.permissions import require_role
from governance import batching, queries
from governance.forms import BatchForm
from governance.permissions import access_batch
from governance.queries import progress
from socialops.lib.refusals import add_refusal


class BatchNewView(View):
    def get(self, request: HttpRequest) -> HttpResponse:
        require_role(request.user.person, Role.ADMIN)
        return _form_page(request, BatchForm(initial=now_in(request.user.person.time_zone)))

    def post(self, request: HttpRequest) -> HttpResponse:
        me, form = request.user.person, BatchForm(request.POST)
        require_role(me, Role.ADMIN)
        if form.is_valid():
            said = form.cleaned_data
            try:
                batch = batching.leave_together(
                    me, said["name"], said["leavers"], form.at_wall(), said["time_zone"], said["reason"]
                )
            except ValidationError as error:
                add_refusal(form, error, at="people")
            else:
                messages.success(request, f"{len(said['leavers'])} departures are recorded.")
                return redirect("batch", batch.pk)
        return _form_page(request, form, status=422)


class BatchView(View):
    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        batch = access_batch(request.user, pk)
        cases = queries.cases().filter(batch=batch).exclude(state="withdrawn")
        doors = progress.doors_of_cases(cases)
        rows = list(cases.order_by("person__name", "pk"))
        context = {
            "batch": batch,
            "cases": rows,
            "leaves": min((case.departure.at for case in rows), default=None),
            "closed": sum(case.state == "closed" for case in rows),
            **burning(doors),
        }
        return render(request, "governance/batch_detail.html", context)


def burning(doors) -> dict[str, object]:
    """What the burn-down shows. Four queries."""
    kinds = progress.kinds(doors)
    return {
        "kinds": kinds,
        "doors_all": sum(kind.all for kind in kinds),
        "doors_to_revoke": sum(kind.to_revoke for kind in kinds),
        "doors_in_hand": sum(kind.in_hand for kind in kinds),
        "doors_proven": sum(kind.proven for kind in kinds),
        "burndown": progress.burndown(doors),
        "slow": progress.slow_hands(doors),
    }


def _form_page(request: HttpRequest, form: BatchForm, status: int = 200) -> HttpResponse:
    return render(request, "governance/batch_new.html", {"form": form}, status=status)
