"""Mails that did not arrive, or may not have: an administrator decides."""

from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views import View

from accounts import mailing
from accounts.models import Role
from accounts.permissions import access_mail, require_role
from accounts.queries import troubled_mails


class MailListView(View):
    def get(self, request: HttpRequest) -> HttpResponse:
        require_role(request.user.person, Role.ADMIN)
        return render(request, "accounts/mail_list.html", {"mails": troubled_mails()[:100]})


class MailDecisionView(View):
    """POST `again` sends the mail once more; `over` lets it be."""

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        mail = access_mail(request.user, pk)
        decide = mailing.send_again if request.POST.get("decision") == "again" else mailing.let_be
        try:
            decide(mail, request.user.person)
        except ValidationError as error:
            context = {"mails": troubled_mails()[:100], "errors": error.messages}
            return render(request, "accounts/mail_list.html", context, status=422)
        return redirect("mail_list")
