"""Mails that did not arrive, or may not have: an administrator decides."""

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views import View

from accounts import mailing
from accounts.models import MailDelivery, Role
from accounts.permissions import require_role
from accounts.queries import troubled_mails
from socialops.lib.numbers import numbers

MOST = 100  # on the page, and in one decision


class MailListView(View):
    def get(self, request: HttpRequest) -> HttpResponse:
        require_role(request.user.person, Role.ADMIN)
        return _page(request)


class MailDecisionView(View):
    """POST `again` sends the mail once more; `over` lets it be."""

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        require_role(request.user.person, Role.ADMIN)
        mail = get_object_or_404(MailDelivery, pk=pk)
        decide = mailing.send_again if request.POST.get("decision") == "again" else mailing.let_be
        try:
            decide(mail, request.user.person)
        except ValidationError as error:
            return _page(request, error.messages, status=422)
        return redirect("mail_list")


class MailsDecisionView(View):
    """POST the same for many: `mail` is the number of each that was on the page."""

    def post(self, request: HttpRequest) -> HttpResponse:
        require_role(request.user.person, Role.ADMIN)
        pks = numbers(request.POST.getlist("mail")[:MOST])
        again = request.POST.get("decision") == "again"
        count = mailing.decide(pks, request.user.person, again)
        mails = "1 mail" if count == 1 else f"{count} mails"
        messages.success(request, f"{mails} sent again." if again else f"{mails} taken as arrived.")
        return redirect("mail_list")


def _page(request: HttpRequest, errors: list[str] | None = None, status: int = 200) -> HttpResponse:
    mails = list(troubled_mails()[:MOST])
    context = {"mails": mails, "errors": errors, "unknown": [mail for mail in mails if mail.state == "needs_human"]}
    return render(request, "accounts/mail_list.html", context, status=status)
