"""What somebody may change about themselves, and where their sessions and second factors are."""

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views import View

from accounts import people
from accounts.forms import SettingsForm
from socialops.lib.refusals import add_refusal


class SettingsView(View):
    def get(self, request: HttpRequest) -> HttpResponse:
        form = SettingsForm(initial={"time_zone": request.user.person.time_zone})
        return render(request, "accounts/settings.html", {"form": form})

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
        return render(request, "accounts/settings.html", {"form": form}, status=422)
