"""Agreeing from outside, by a link: no sign-in, no session, one post. And the list of who may be asked so."""

from dataclasses import replace

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.decorators import method_decorator
from django.views import View
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters

from publishing import approving, linking, queries
from publishing.forms.workflows import CodeForm, ExternalForm
from publishing.models import AgreementLink, ExternalApprover
from publishing.permissions import access_agreement_link, access_external, require_arranger
from publishing.views.assets import file_of
from socialops.lib.refusals import add_refusal


@method_decorator([never_cache, sensitive_post_parameters("code", "proof")], name="dispatch")
class AgreementView(View):
    """GET says what it is; POST act=code sends the code, act=open takes it and shows the post, else decides."""

    def get(self, request: HttpRequest, token: str) -> HttpResponse:
        return _answer(request, lambda: _door(request, linking.opened(token), CodeForm()))

    def post(self, request: HttpRequest, token: str) -> HttpResponse:
        acts = {"code": self.send_code, "open": self.open, "decide": self.decide}
        act = acts.get(request.POST.get("act", ""), self.send_code)
        return _answer(request, lambda: act(request, token))

    def send_code(self, request: HttpRequest, token: str) -> HttpResponse:
        form = CodeForm()
        try:
            link = linking.send_code(token)
        except linking.NotGood:
            raise
        except ValidationError as error:
            return _door(request, linking.opened(token), form, error.messages, status=429)
        return _door(request, link, form)

    def open(self, request: HttpRequest, token: str) -> HttpResponse:
        form = CodeForm(request.POST)
        if not form.is_valid():
            return _door(request, linking.opened(token), form, status=422)
        try:
            proof = linking.check_code(token, form.cleaned_data["code"])
        except linking.NotGood:
            raise
        except ValidationError as error:
            add_refusal(form, error)
            return _door(request, linking.opened(token), form, status=422)
        return _post(request, linking.opened(token), proof)

    def decide(self, request: HttpRequest, token: str) -> HttpResponse:
        said = request.POST
        proof, note = said.get("proof", ""), said.get("note", "")[:5000]
        link = linking.proven(token, proof)
        try:
            approving.decide_by_link(token, proof, said.get("verdict", ""), said.get("revision_hash", ""), note)
        except linking.NotGood:
            raise
        except ValidationError as error:
            return _post(request, link, proof, error.messages, note, status=422)
        return render(request, "publishing/agreement_done.html", {"link": link, "verdict": said["verdict"]})


class AgreementFileView(View):
    """A picture of the post, for whoever has just proven the code."""

    def get(self, request: HttpRequest, token: str) -> HttpResponseBase:
        return _answer(request, lambda: file_of(request, linking.file_at(token)))


class AgreementLinkView(View):
    """POST act=revoke takes a link back, act=renew sends a new one in its place."""

    VERBS = {"revoke": (linking.revoke, "Taken back."), "renew": (linking.renew, "A new link is on its way.")}

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        link, person = access_agreement_link(request.user, pk), request.user.person
        verb, done = self.VERBS.get(request.POST.get("act", ""), self.VERBS["revoke"])
        try:
            verb(link, person)
            messages.success(request, done)
        except ValidationError as error:
            messages.error(request, " ".join(error.messages))
        return redirect("approval", link.ask.stage.approval_id)


class ExternalListView(View):
    """GET lists who from outside may be asked; POST writes somebody down."""

    def get(self, request: HttpRequest) -> HttpResponse:
        require_arranger(request.user.person)
        return _externals(request, ExternalForm())

    def post(self, request: HttpRequest) -> HttpResponse:
        require_arranger(request.user.person)
        form = ExternalForm(request.POST)
        if form.is_valid():
            try:
                linking.add_external(request.user.person, **form.cleaned_data)
            except ValidationError as error:
                add_refusal(form, error)
            else:
                messages.success(request, "Written down. Name them at a step of a workflow.")
                return redirect("external_list")
        return _externals(request, form, status=422)


class ExternalEndingView(View):
    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        linking.end_external(access_external(request.user, pk), request.user.person)
        messages.success(request, "Off the list. Their links stopped working.")
        return redirect("external_list")


def _answer(request: HttpRequest, act) -> HttpResponse:
    try:
        return act()
    except linking.NotGood as error:
        return render(request, "publishing/agreement_void.html", {"errors": error.messages}, status=410)


def _door(
    request: HttpRequest, link: AgreementLink, form: CodeForm, errors: list[str] | None = None, status: int = 200
) -> HttpResponse:
    return render(request, "publishing/agreement.html", {"link": link, "form": form, "errors": errors}, status=status)


def _post(
    request: HttpRequest, link: AgreementLink, proof: str, errors: list[str] | None = None, note: str = "",
    status: int = 200,
) -> HttpResponse:  # fmt: skip
    """The post as it was asked about, and nothing else of this installation."""
    approval = link.ask.stage.approval
    previews = [
        _fetched_here(link, each) for each in queries.as_asked(approval.revision, queries.variants_of(approval.post))
    ]
    context = {
        "link": link, "approval": approval, "stage": link.ask.stage, "previews": previews, "proof": proof,
        "errors": errors, "note": note,
    }  # fmt: skip
    return render(request, "publishing/agreement_post.html", context, status=status)


def _fetched_here(link: AgreementLink, preview: queries.Preview) -> queries.Preview:
    """With the addresses at which whoever has the link fetches what it shows."""
    shown = (replace(p, address=linking.address_of_file(link, "rendition", p.rendition.pk)) for p in preview.pictures)
    card = preview.card
    if card and card.picture:
        card = replace(card, picture=linking.address_of_file(link, "card", card.page))
    return replace(preview, pictures=tuple(shown), card=card)


def _externals(request: HttpRequest, form: ExternalForm, status: int = 200) -> HttpResponse:
    known = ExternalApprover.objects.filter(ended_at=None).select_related("added_by").order_by("name")
    return render(request, "publishing/external_list.html", {"form": form, "externals": known}, status=status)
