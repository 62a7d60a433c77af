"""Agreeing from outside, by a link: no sign-in, no session, one post. And the list of who may be asked so."""

from dataclasses import replace

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.views import View
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters

from channels_registry.models import Channel
from publishing import approving, commenting, linking, queries
from publishing.forms.comments import CommentForm
from publishing.forms.workflows import CodeForm, DecisionByLinkForm, ExternalForm
from publishing.models import AgreementLink, ExternalApprover
from publishing.permissions import access_agreement_link, access_external, require_arranger
from publishing.views.assets import file_of
from socialops.lib.numbers import number
from socialops.lib.refusals import add_refusal

PROOF = "agreement"  # the cookie with the proof: for this link's pages alone, as long as the proof is good


class Outside(View):
    """A page for whoever has a link. One that opens nothing says why; what was typed is shown, to be copied."""

    @method_decorator([never_cache, sensitive_post_parameters("code")])
    def dispatch(self, request: HttpRequest, *args, **kwargs) -> HttpResponseBase:
        try:
            return super().dispatch(request, *args, **kwargs)
        except linking.NotGood as error:
            kept = request.POST.get("note") or request.POST.get("text", "")
            again = reverse("agreement", args=[kwargs["token"]]) if isinstance(error, linking.NotProven) else ""
            said = {"errors": error.messages, "kept": kept[:5000], "again": again}
            return render(request, "publishing/agreement_void.html", said, status=410)


class AgreementView(Outside):
    """GET says what it is; POST act=code sends the code, act=open takes it and opens the post."""

    def get(self, request: HttpRequest, token: str) -> HttpResponse:
        return _door(request, linking.opened(token), CodeForm())

    def post(self, request: HttpRequest, token: str) -> HttpResponse:
        return self.open(request, token) if request.POST.get("act") == "open" else self.send_code(request, token)

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
        answer = redirect("agreement_post", token)
        answer.set_cookie(
            PROOF, proof, max_age=linking.PROOF_GOOD_FOR, path=reverse("agreement", args=[token]),
            secure=settings.SESSION_COOKIE_SECURE, httponly=True, samesite="Lax",
        )  # fmt: skip
        return answer


class AgreementPostView(Outside):
    """The post, for whoever typed the code within the last half hour. POST verdict= decides."""

    def get(self, request: HttpRequest, token: str) -> HttpResponse:
        try:
            return _post(request, token, linking.proven(token, _proof(request)))
        except linking.NotProven:
            return redirect("agreement", token)

    def post(self, request: HttpRequest, token: str) -> HttpResponse:
        link, form = linking.proven(token, _proof(request)), DecisionByLinkForm(request.POST)
        if not form.is_valid():
            return _post(request, token, link, form, status=422)
        said, verdict = form.cleaned_data, request.POST.get("verdict", "")
        try:
            approving.decide_by_link(token, _proof(request), verdict, said["revision_hash"], said["note"])
        except linking.NotGood:
            raise
        except ValidationError as error:
            add_refusal(form, error)
            return _post(request, token, link, form, status=422)
        return render(request, "publishing/agreement_done.html", {"link": link, "verdict": verdict})


class AgreementCommentView(Outside):
    """POST says something in an external thread of the post (thread=), or in a new one; withdraw= takes it back."""

    def post(self, request: HttpRequest, token: str) -> HttpResponse:
        link, said, form = linking.proven(token, _proof(request)), request.POST, CommentForm(request.POST)
        form.is_valid()
        thread, taken_back = (number(said.get(name)) for name in ("thread", "withdraw"))
        try:
            if taken_back:
                commenting.withdraw_by_link(token, _proof(request), taken_back)
                return redirect(f"{reverse('agreement_post', args=[token])}#comments")
            words = form.cleaned_data.get("text", ""), thread, form.cleaned_data.get("quote", "")
            comment = commenting.write_by_link(token, _proof(request), *words)
        except linking.NotGood:
            raise
        except ValidationError as error:
            add_refusal(form, error)
            return _post(request, token, link, comment=form, wrong=thread, status=422)
        return redirect(f"{reverse('agreement_post', args=[token])}#comment-{comment.pk}")


class AgreementFileView(Outside):
    """A picture of the post, for whoever has just proven the code."""

    def get(self, request: HttpRequest, token: str) -> HttpResponseBase:
        return file_of(request, linking.file_at(token))


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
    """GET lists who from outside may be asked; POST adds somebody."""

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
                messages.success(request, "Added. Name them at a step of a workflow.")
                return redirect("external_list")
        return _externals(request, form, status=422)


class ExternalEndingView(View):
    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        linking.end_external(access_external(request.user, pk), request.user.person)
        messages.success(request, "Removed. Their links stopped working.")
        return redirect("external_list")


def _door(
    request: HttpRequest, link: AgreementLink, form: CodeForm, errors: list[str] | None = None, status: int = 200
) -> HttpResponse:
    return render(request, "publishing/agreement.html", {"link": link, "form": form, "errors": errors}, status=status)


def _post(
    request: HttpRequest, token: str, link: AgreementLink, form: DecisionByLinkForm | None = None, *,
    comment: CommentForm | None = None, wrong: int | None = None, status: int = 200,
) -> HttpResponse:  # fmt: skip
    """The post as it was asked about, what is said of it outside, and nothing else of this installation."""
    approval = link.ask.stage.approval
    previews = [
        _fetched_here(link, each) for each in queries.as_asked(approval.revision, queries.variants_of(approval.post))
    ]
    talk = queries.talk_outside(approval.post)
    wrong = wrong if wrong in {each.thread.pk for each in talk} else None
    context = {
        "link": link, "token": token, "approval": approval, "stage": link.ask.stage, "previews": previews,
        "brief": queries.brief_outside(approval, previews, link.ask.stage),
        "differences": _since(link, [each.channel for each in previews]),
        "form": form or DecisionByLinkForm(initial={"revision_hash": approval.revision.hash}),
        "talk": talk, "wrong": wrong, "answer": comment if wrong else None,
        "comment": CommentForm() if wrong or comment is None else comment,
    }  # fmt: skip
    return render(request, "publishing/agreement_post.html", context, status=status)


def _fetched_here(link: AgreementLink, preview: queries.Preview) -> queries.Preview:
    """With the addresses at which whoever has the link fetches what it shows."""
    shown = (replace(p, address=linking.address_of_file(link, "rendition", p.rendition.pk)) for p in preview.pictures)
    card = preview.card
    if card and card.picture:
        card = replace(card, picture=linking.address_of_file(link, "card", card.page))
    return replace(preview, pictures=tuple(shown), card=card)


def _since(link: AgreementLink, channels: list[Channel]) -> list[queries.Difference] | None:
    """What changed since they last decided about this post; None: they have not."""
    now = link.ask.stage.approval.revision
    before = queries.seen_outside(link.ask.external, now)
    return queries.differences(before, now, {channel.pk: channel.name for channel in channels}) if before else None


def _proof(request: HttpRequest) -> str:
    return request.COOKIES.get(PROOF, "")


def _externals(request: HttpRequest, form: ExternalForm, status: int = 200) -> HttpResponse:
    known = ExternalApprover.objects.filter(ended_at=None).select_related("added_by").order_by("name")
    return render(request, "publishing/external_list.html", {"form": form, "externals": known}, status=status)
