"""Access reviews: the list, beginning one with its preview, one review, and signing it off."""

from datetime import datetime
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views import View

from accounts.models import Person, Role
from accounts.permissions import has_role, require_role
from governance import attesting, handing, reviewing
from governance.forms import HandoverForm, ReviewForm, SampleForm, StatementForm
from governance.models import AccessReview
from governance.permissions import access_review
from governance.queries import reviewers, reviews
from governance.queries.pace import mutual, pace
from socialops.lib.cursors import LARGEST

MOST_TURNS = 40  # reviewers on a page, who has most left first
STATEMENT = (
    "I have read the figures, the reasons and the doors without proof, and confirm that whoever keeps access needs it."
)


class ReviewListView(View):
    """GET lists; POST opens one, as its preview showed it."""

    def get(self, request: HttpRequest) -> HttpResponse:
        person = request.user.person
        context = {"reviews": reviews.reviews_of(person)[:200], "may_open": has_role(person, Role.ADMIN)}
        return render(request, "governance/review_list.html", context)

    def post(self, request: HttpRequest) -> HttpResponse:
        require_role(request.user.person, Role.ADMIN)
        form = ReviewForm(request.POST)
        if form.is_valid():
            try:
                review = reviewing.open_review(request.user.person, **form.wanted())
            except ValidationError as error:
                _add(form, error)
            else:
                return redirect("review", review.pk)
        return render(request, "governance/review_new.html", {"form": form}, status=422)


class ReviewNewView(View):
    """The form; with `preview` in the address also what each reviewer would get. Nothing is kept."""

    def get(self, request: HttpRequest) -> HttpResponse:
        require_role(request.user.person, Role.ADMIN)
        asked = "preview" in request.GET
        form = ReviewForm(request.GET) if asked else ReviewForm()
        context: dict[str, Any] = {"form": form}
        if asked and form.is_valid():
            try:
                review = reviewing.planned(request.user.person, **form.wanted())
            except ValidationError as error:
                _add(form, error)
            else:
                shares = reviewers.preview(review, review.opened_at)
                context |= {"shares": shares, "doors": sum(share.doors for share in shares), "planned": review}
                context |= {"nobody": sum(share.doors for share in shares if share.person is None)}
                context["high"] = sum(share.high for share in shares)
        return render(request, "governance/review_new.html", context, status=422 if form.errors else 200)


class ReviewView(View):
    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        return _page(request, access_review(request.user, pk))


class ReviewNextView(View):
    """The next door that waits for the reader, or their list where none is left."""

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        review = access_review(request.user, pk)
        found = reviews.next_item(review, request.user.person)
        return redirect("review_item", found) if found else redirect("review_items", pk)


class ReviewHandoverView(View):
    """POST gives all that a reviewer has not decided to somebody else; `of` may be “nobody”."""

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        review, form, me = access_review(request.user, pk), HandoverForm(request.POST), request.user.person
        said = request.POST.get("of", "")
        of = Person.objects.filter(pk=min(int(said), LARGEST)).first() if said.isdecimal() else None
        items = None if of else reviews.unassigned(review)
        if form.is_valid():
            to, why = form.cleaned_data["to"], form.cleaned_data["reason"]
            try:
                moved, left = handing.hand_over(review, to, me, why, of=of, items=items)
            except ValidationError as error:
                _add(form, error)
            else:
                kept = f" {left} stay: they have these doors or gave them." if left else ""
                messages.success(request, f"{moved} handed to {to}.{kept}")
                return redirect("review", pk)
        return _page(request, review, handover=form, status=422)


class ReviewCancellationView(View):
    """POST ends the review without a sign-off."""

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        review = access_review(request.user, pk)
        try:
            reviewing.cancel(review, request.user.person, request.POST.get("reason", ""))
        except ValidationError as error:
            return _page(request, review, errors=error.messages, status=422)
        return redirect("review", pk)


class AttestationView(View):
    """GET shows what would be signed and what is missing; POST signs."""

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        return self._page(request, access_review(request.user, pk), StatementForm(initial={"statement": STATEMENT}))

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        review, form = access_review(request.user, pk), StatementForm(request.POST)
        require_role(request.user.person, Role.ADMIN, Role.SOCIAL_LEAD)
        if form.is_valid():
            try:
                attesting.attest(review, request.user.person, form.cleaned_data["statement"])
            except ValidationError as error:
                _add(form, error)
            else:
                return redirect("review", pk)
        return self._page(request, review, form, status=422)

    def _page(self, request: HttpRequest, review: AccessReview, form: StatementForm, status: int = 200) -> HttpResponse:
        if not review.reads:
            raise PermissionDenied("Only administrators, auditors and the social lead see what is signed.")
        seen = pace(review)
        alone = [each.person for each in seen] == [request.user.person]
        context = {
            "review": review, "form": form, "missing": attesting.what_is_missing(review),
            "pace": seen, "mutual": mutual(review), "alone": alone,
            "may_sign": review.state == "open" and review.signs and not alone,
        }  # fmt: skip
        return render(request, "governance/review_attestation.html", context, status=status)


def _page(
    request: HttpRequest, review: AccessReview, handover: HandoverForm | None = None, errors: list[str] | None = None,
    sample: SampleForm | None = None, status: int = 200,
) -> HttpResponse:  # fmt: skip
    me, now = request.user.person, timezone.now()
    turns = reviews.progress(review)
    steers, reads = review.steers, review.reads
    left = sum(turn.left for turn in turns)
    context = {
        "review": review, "turns": turns, "errors": errors, "steers": steers, "reads": reads, "left": left,
        "decided": review.total - left, "mine": next((turn for turn in turns if turn.person == me), None),
        "nobody": sum(turn.left for turn in turns if turn.person is None),
        "certified": sum(turn.certified for turn in turns), "revoked": sum(turn.revoked for turn in turns),
        "scope": reviews.scope_words(review), "late": review.due_at < now,
        "handover": handover or HandoverForm(),
        "shown": turns[:MOST_TURNS] if reads else [turn for turn in turns if turn.person == me],
        "more_turns": max(0, len(turns) - MOST_TURNS) if reads else 0,
    }  # fmt: skip
    if reads and review.state != AccessReview.State.PREPARING:
        context |= _for_readers(review, now, left)
        context["sample_form"] = sample or SampleForm()
    return render(request, "governance/review_detail.html", context, status=status)


def _for_readers(review: AccessReview, now: datetime, left: int) -> dict[str, Any]:
    shut = list(reviews.remediation(review)[: reviews.SHOWN])
    days = reviews.burn_down(review, timezone.get_current_timezone_name())
    return {
        "pace": [each for each in pace(review) if each.warnings],
        "shut": shut,
        "appeared": list(reviews.appeared(review, now).select_related("channel", "person")[:6]) if left else [],
        "chart": _chart(days, review),
        "days": days,
        "samples": [] if left else list(review.samples.select_related("rechecker")),
        "attestation": getattr(review, "attestation", None) if review.state == "attested" else None,
    }


def _chart(days: list, review: AccessReview) -> str:
    """The points of the burn-down in a box of 300 x 60, for an SVG polyline."""
    span = max((review.due_at.date() - review.opened_at.date()).days, len(days) - 1, 1)
    points = [(0, review.total), *((n + 1, left) for n, (_, left) in enumerate(days))]
    return " ".join(
        f"{300 * min(x, span + 1) / (span + 1):.1f},{60 - 58 * y / max(review.total, 1):.1f}" for x, y in points
    )


def _add(form, error: ValidationError) -> None:
    """Words of a verb, beside the field they are about where the form has it."""
    if not hasattr(error, "error_dict"):
        form.add_error(None, error)
        return
    for name, said in error.message_dict.items():
        form.add_error(name if name in form.fields else None, said)
