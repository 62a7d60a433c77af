"""The steps of a guided task. Each POST creates one fact; what is refused is said on the revocation's page."""

from django import forms
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views import View

from channels_registry import queries, revoking, seating
from channels_registry.forms import AttestationForm, ContestForm, NoteForm, ReasonForm
from channels_registry.models import Revocation
from channels_registry.views.revocations import revocation_page
from socialops.lib.refusals import add_refusal


class StepView(View):
    """`form` reads the answers; `do` is the verb. `slot` is the form's place on the page."""

    form: type[forms.Form] = forms.Form
    slot = "step"

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        revocation = queries.revocation_for(request.user, pk)
        form = self.form(request.POST, request.FILES, auto_id=f"{self.slot}_%s")
        if form.is_valid():
            try:
                self.do(revocation, request.user.person, form.cleaned_data)
            except ValidationError as error:
                add_refusal(form, error)
            else:
                return redirect("revocation", pk)
        return revocation_page(request, revocation, 422, **{self.slot: form, "refused": form})

    def do(self, revocation: Revocation, by, given: dict) -> None:
        raise TypeError("a step says what it does")


class TakingView(StepView):
    def do(self, revocation, by, given):
        revoking.take(revocation, by)


class AttestationView(StepView):
    form, slot = AttestationForm, "attestation"

    def do(self, revocation, by, given):
        seating.attest(revocation, by, given["note"], given["file"])


class ConfirmationView(StepView):
    def do(self, revocation, by, given):
        seating.confirm(revocation, by)


class ObjectionView(StepView):
    form, slot = ContestForm, "objection"

    def do(self, revocation, by, given):
        revoking.contest(revocation, by, given["why"])


class UnprovableView(StepView):
    form, slot = NoteForm, "unprovable"

    def do(self, revocation, by, given):
        revoking.not_provable(revocation, by, given["note"])


class HandworkView(StepView):
    def do(self, revocation, by, given):
        revoking.by_hand(revocation, by)


class AttemptView(StepView):
    def do(self, revocation, by, given):
        revoking.try_again(revocation, by)


class WithdrawalView(StepView):
    form, slot = ReasonForm, "withdrawal"

    def do(self, revocation, by, given):
        revoking.withdraw(revocation, by, given["reason"])
