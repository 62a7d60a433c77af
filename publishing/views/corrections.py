"""Editing and taking down what is out."""

from collections.abc import Callable

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views import View

from channels_registry import permissions as channel_permissions
from publishing import correcting, queries
from publishing.forms.publications import DeletionForm
from publishing.models import Publication
from publishing.permissions import access_correction, access_publication
from socialops.lib import words
from socialops.lib.refusals import add_refusal

VERBS: dict[str, tuple[Callable, str]] = {
    "withdraw": (correcting.withdraw, "Taken back. What is out stays as it is."),
    "happened": (lambda correction, by: correcting.settle(correction, by, True), "Noted."),
    "not_happened": (lambda correction, by: correcting.settle(correction, by, False), "Noted: it has not happened."),
}


class EditView(View):
    """GET shows what is out beside what was approved; POST puts the approved text over it."""

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        return _edit_page(request, _theirs(request, pk))

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        publication = _theirs(request, pk)
        try:
            correcting.edit(publication, request.user.person)
        except ValidationError as error:
            return _edit_page(request, publication, error.messages, 422)
        messages.success(request, "The approved text is on its way.")
        return redirect("publication", pk)


class DeletionView(View):
    """GET names what happens and asks why; POST takes it down."""

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        return _deletion_page(request, _theirs(request, pk), DeletionForm())

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        publication, form = _theirs(request, pk), DeletionForm(request.POST)
        if form.is_valid():
            try:
                correcting.delete(publication, request.user.person, form.cleaned_data["why"])
            except ValidationError as error:
                add_refusal(form, error)
            else:
                messages.success(request, "It is being taken down.")
                return redirect("publication", pk)
        return _deletion_page(request, publication, form, 422)


class VerbView(View):
    """POST does one verb to a change of what is out. urls.py names which."""

    act = ""

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        verb, done = VERBS[self.act]
        correction = access_correction(request.user, pk)
        try:
            verb(correction, request.user.person)
            messages.success(request, done)
        except ValidationError as error:
            messages.error(request, " ".join(error.messages))
        return redirect("publication", correction.publication_id)


def _theirs(request: HttpRequest, pk: int) -> Publication:
    publication = access_publication(request.user, pk)
    channel_permissions.require(request.user.person, "publish", publication.channel)
    return publication


def _edit_page(request: HttpRequest, publication: Publication, errors=(), status: int = 200) -> HttpResponse:
    approval = publication.variant.post.approvals.filter(state="approved").select_related("revision").last()
    parts = approval.revision.parts_on(publication.channel_id) if approval else []
    now = next((part.text for part in parts if part.number == publication.part), "")
    context = {
        "publication": publication, "errors": errors, "now": now,
        "pieces": words.compare(publication.text, now) if now and now != publication.text else [],
        "why_not": correcting.offered(publication)["edit"],
    }  # fmt: skip
    return render(request, "publishing/publication_edit.html", context, status=status)


def _deletion_page(request: HttpRequest, publication: Publication, form: forms.Form, status: int = 200) -> HttpResponse:
    context = {
        "publication": publication, "form": form, "why_not": correcting.offered(publication)["delete"],
        "preview": queries.preview_of(publication.variant, publication.text, publication.card),
    }  # fmt: skip
    return render(request, "publishing/publication_deletion.html", context, status=status)
