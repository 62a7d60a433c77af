"""What somebody may change about themselves, and where their sessions and second factors are."""

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db.models.functions import Now
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views import View

from accounts import covering, people
from accounts.forms import AbsenceForm, HoursForm, SettingsForm
from accounts.models import Absence
from accounts.permissions import access_absence
from socialops.lib.refusals import add_refusal


class SettingsView(View):
    def get(self, request: HttpRequest) -> HttpResponse:
        return _page(request)

    def post(self, request: HttpRequest) -> HttpResponse:
        form = SettingsForm(request.POST)
        if form.is_valid():
            me = request.user.person
            try:
                people.change_person(me, me, time_zone=form.cleaned_data["time_zone"])
            except ValidationError as error:
                add_refusal(form, error)
            else:
                messages.success(request, "Saved.")
                return redirect("settings")
        return _page(request, form=form, status=422)


class HoursView(View):
    """POST says when one works."""

    def post(self, request: HttpRequest) -> HttpResponse:
        hours = HoursForm(request.POST)
        if hours.is_valid():
            said = hours.cleaned_data
            try:
                days = said["working_days"]
                covering.set_working_hours(request.user.person, days, said["working_from"], said["working_until"])
            except ValidationError as error:
                add_refusal(hours, error)
            else:
                messages.success(request, "Saved. Reminders come within these hours.")
                return redirect("settings")
        return _page(request, hours=hours, status=422)


class AbsenceListView(View):
    """GET lists one's own that are not over; POST plans one."""

    def get(self, request: HttpRequest) -> HttpResponse:
        return _absences(request, AbsenceForm(person=request.user.person))

    def post(self, request: HttpRequest) -> HttpResponse:
        me = request.user.person
        form = AbsenceForm(request.POST, person=me)
        if form.is_valid():
            said = form.cleaned_data
            try:
                covering.plan_absence(me, said["first_day"], said["last_day"], said["delegate"])
            except ValidationError as error:
                add_refusal(form, error)
            else:
                messages.success(request, "Noted.")
                return redirect("absence_list")
        return _absences(request, form, status=422)


class AbsenceWithdrawalView(View):
    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        covering.withdraw_absence(access_absence(request.user, pk), request.user.person)
        messages.success(request, "Taken back.")
        return redirect("absence_list")


def _page(
    request: HttpRequest, form: SettingsForm | None = None, hours: HoursForm | None = None, status: int = 200
) -> HttpResponse:
    me = request.user.person
    names = ("working_days", "working_from", "working_until")
    context = {
        "form": form or SettingsForm(initial={"time_zone": me.time_zone}),
        "hours": hours or HoursForm(initial={name: getattr(me, name) for name in names}),
    }
    return render(request, "accounts/settings.html", context, status=status)


def _absences(request: HttpRequest, form: AbsenceForm, status: int = 200) -> HttpResponse:
    mine = Absence.objects.filter(person=request.user.person, withdrawn_at=None, ends_at__gt=Now()).select_related(
        "delegate"
    )
    context = {"form": form, "absences": mine.order_by("starts_at")}
    return render(request, "accounts/absence_list.html", context, status=status)
