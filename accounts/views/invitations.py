"""An administrator invites; the invited person opens the link and chooses a password."""

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.decorators import method_decorator
from django.views import View
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters

from accounts import inviting
from accounts.forms import InvitationForm
from accounts.permissions import access_person
from accounts.views.people import person_page


class InvitationNewView(View):
    """POST sends the person a link; an earlier one stops working."""

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        person = access_person(request.user, pk)
        try:
            inviting.invite(person, request.user.person)
        except ValidationError as error:
            return person_page(request, person, error.messages, 422)
        messages.success(request, f"The invitation is on its way to {person.email}. It is good for seven days.")
        return redirect("person", pk)


@method_decorator([never_cache, sensitive_post_parameters("password")], name="dispatch")
class InvitationView(View):
    """Open to whoever has the link. It names the person it is for; nothing about them can be changed here."""

    def get(self, request: HttpRequest, token: str) -> HttpResponse:
        return _page(request, token, InvitationForm())

    def post(self, request: HttpRequest, token: str) -> HttpResponse:
        form = InvitationForm(request.POST)
        if form.is_valid():
            try:
                inviting.accept(token, form.cleaned_data["password"])
            except ValidationError as error:
                form.add_error("password", error.messages)
            else:
                messages.success(request, "Your login is ready. Sign in with your new password.")
                return redirect("account_login")
        return _page(request, token, form, status=422)


def _page(request: HttpRequest, token: str, form: InvitationForm, status: int = 200) -> HttpResponse:
    try:
        invitation = inviting.opened(token)
    except ValidationError as error:
        return render(request, "accounts/invitation_void.html", {"errors": error.messages}, status=410)
    return render(request, "accounts/invitation.html", {"invitation": invitation, "form": form}, status=status)
