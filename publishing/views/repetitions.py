"""A post that repeats on a channel: its rule, its times, another rule, its end."""

from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views import View

from channels_registry import networks
from channels_registry import permissions as channel_permissions
from publishing import repeating
from publishing.forms.planning import RepetitionForm
from publishing.models import Recurrence, Variant
from publishing.permissions import access_variant
from publishing.queries import repeats
from socialops.lib.refusals import add_refusal


class RepetitionView(View):
    """GET asks how it repeats, and shows how it does; POST lets it repeat, or by another rule from now on."""

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        return _page(request, _variant(request, pk))

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        variant, person = _variant(request, pk), request.user.person
        form = RepetitionForm(request.POST, person=person)
        if not form.is_valid():
            return _page(request, variant, form, status=422)
        said, standing = form.cleaned_data, _standing(variant)
        try:
            if standing:
                repeating.change(standing, form.rule(), said["starts"], said["time_zone"], person)
            else:
                repeating.repeat(variant, form.rule(), said["starts"], said["time_zone"], person)
        except (ValidationError, PermissionDenied) as error:
            add_refusal(form, error)
            return _page(request, variant, form, status=403 if isinstance(error, PermissionDenied) else 422)
        messages.success(
            request, "It is asked about, or will be with the post. Its times are planned once it is agreed to."
        )
        return redirect("repetition", pk)


class RepetitionVerbView(View):
    """POST ends it, or takes it over. urls.py names which."""

    act = ""

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        variant, person = _variant(request, pk), request.user.person
        standing = _standing(variant)
        try:
            if standing is None:
                messages.error(request, "It does not repeat.")
            elif self.act == "end":
                dropped = repeating.end(standing, person)
                messages.success(request, f"It repeats no more. {len(dropped)} that waited are cancelled.")
            else:
                repeating.adopt(standing, person)
                messages.success(request, "You answer for it, and for its times ahead.")
        except ValidationError as error:
            messages.error(request, " ".join(error.messages))
        return redirect("repetition", pk)


def _variant(request: HttpRequest, pk: int) -> Variant:
    variant = access_variant(request.user, pk)
    channel_permissions.require(request.user.person, "publish", variant.channel)
    return variant


def _standing(variant: Variant) -> Recurrence | None:
    rows = Recurrence.objects.filter(variant=variant, ended_at=None).select_related("answerable")
    if recurrence := rows.first():
        recurrence.variant = variant
    return recurrence


def _page(
    request: HttpRequest, variant: Variant, form: RepetitionForm | None = None, status: int = 200
) -> HttpResponse:
    recurrence, network = _standing(variant), networks.network(variant.channel.network)
    form = form or RepetitionForm(person=request.user.person, recurrence=recurrence)
    context = {
        "variant": variant, "form": form, "recurrence": recurrence, "network": network.label,
        "refuses": network.same_again,
    }  # fmt: skip
    if recurrence:
        context |= {
            "turns": repeating.turns(recurrence), "words": repeats.said(recurrence)["words"],
            "orphaned": not channel_permissions.may(recurrence.answerable, "publish", variant.channel),
        }  # fmt: skip
    return render(request, "publishing/repetition.html", context, status=status)
