"""Rules about words, and snippets."""

from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views import View

from publishing import phrasing, queries
from publishing.forms.phrases import PhraseRuleForm, SnippetForm
from publishing.permissions import access_phrase_rule, access_snippet
from socialops.lib.refusals import add_refusal


class PhraseListView(View):
    """GET lists the rules; POST adds one."""

    def get(self, request: HttpRequest) -> HttpResponse:
        return _phrases(request, PhraseRuleForm())

    def post(self, request: HttpRequest) -> HttpResponse:
        form = PhraseRuleForm(request.POST)
        if form.is_valid():
            try:
                rule = phrasing.add_rule(request.user.person, **form.cleaned_data)
            except (ValidationError, PermissionDenied) as error:
                add_refusal(form, error)
            else:
                messages.success(request, f"From now on, “{rule.words}” is warned of.")
                return redirect("phrase_list")
        return _phrases(request, form, status=422)


class PhraseEndingView(View):
    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        rule = phrasing.end_rule(access_phrase_rule(request.user, pk), request.user.person)
        messages.success(request, f"“{rule.words}” may be said again.")
        return redirect("phrase_list")


class SnippetListView(View):
    """GET lists them (the composer asks for the list alone, to insert from); POST saves one."""

    def get(self, request: HttpRequest) -> HttpResponse:
        return _snippets(request, SnippetForm())

    def post(self, request: HttpRequest) -> HttpResponse:
        form = SnippetForm(request.POST)
        if form.is_valid():
            try:
                phrasing.save_snippet(request.user.person, **form.cleaned_data)
            except (ValidationError, PermissionDenied) as error:
                add_refusal(form, error)
            else:
                messages.success(request, "Saved. It is offered in the composer.")
                return redirect("snippet_list")
        return _snippets(request, form, status=422)


class SnippetRemovalView(View):
    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        phrasing.remove_snippet(access_snippet(request.user, pk), request.user.person)
        messages.success(request, "Removed. Posts that used it keep their text.")
        return redirect("snippet_list")


def _phrases(request: HttpRequest, form: PhraseRuleForm, status: int = 200) -> HttpResponse:
    may = phrasing.may_rule(request.user.person)
    context = {"rules": queries.active_rules(), "may_rule": may, "form": form if may else None}
    return render(request, "publishing/phrase_list.html", context, status=status)


def _snippets(request: HttpRequest, form: SnippetForm, status: int = 200) -> HttpResponse:
    person = request.user.person
    context = {"snippets": queries.snippets(), "form": form, "lead": phrasing.may_rule(person), "person": person}
    return render(request, "publishing/snippet_list.html", context, status=status)
