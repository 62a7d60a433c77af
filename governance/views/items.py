"""Deciding: one item at a time, or a table; handing in, taking back, handing over, and looking again."""

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views import View

from channels_registry.models import Channel
from governance import attesting, deciding, handing, remedying
from governance.forms import DecisionForm, HandoverForm, SampleForm
from governance.models import AccessReview, ReviewItem, ReviewSample, SampledItem
from governance.permissions import access_item, access_review, access_sample, access_sampled
from governance.queries import reviews
from governance.queries.facts import facts_of
from governance.queries.pace import FAST_SECONDS
from socialops.lib.cursors import LARGEST

VERDICTS = {"certified": "Certified", "revoked": "To be shut"}


class ItemListView(View):
    """GET is a table of what is one's own, or of everything for readers; POST decides several together."""

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        return self._page(request, access_review(request.user, pk))

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        review = access_review(request.user, pk)
        pks = [int(each) for each in request.POST.getlist("item") if each.isdecimal() and int(each) <= LARGEST]
        verdict, reason = request.POST.get("verdict", ""), request.POST.get("reason", "")
        try:
            if not pks:
                raise ValidationError("Tick the doors first.")
            bulk = deciding.decide_many(review, request.user.person, pks, verdict, reason)
        except ValidationError as error:
            return self._page(request, review, error.messages, 422)
        left = [f"{count} {'was' if count == 1 else 'were'} left: {why}." for why, count in bulk.left.items()]
        if not bulk.done:
            return self._page(request, review, left, 422)
        messages.success(request, " ".join([f"{VERDICTS[verdict]}: {bulk.done}.", *left]))
        return redirect(request.get_full_path())

    def _page(
        self, request: HttpRequest, review: AccessReview, errors: list[str] | None = None, status: int = 200
    ) -> HttpResponse:
        me = request.user.person
        if review.state == AccessReview.State.PREPARING:
            return redirect("review", review.pk)
        wanted, chosen = _wanted(request, review)
        after = request.GET.get("after", "")
        rows = reviews.items_page(review, wanted, min(int(after), LARGEST) if after.isdecimal() else 0)
        rows, more = rows[: reviews.PAGE], len(rows) > reviews.PAGE
        facts = facts_of(rows)
        turn = next(iter(reviews.progress(review, me)), None)
        context = {
            "review": review, "rows": [(item, facts[item.pk]) for item in rows], "turn": turn, "errors": errors,
            "next": _query(request, after=rows[-1].pk) if more else "", "chosen": chosen,
            "states": [("all", "Every state"), *reviews.STATES.items()], "tiers": Channel.RiskTier.choices,
            "decides": review.state == "open" and chosen["whose"] == "mine",
            "reason": request.POST.get("reason", ""),
        }  # fmt: skip
        return render(request, "governance/review_items.html", context, status=status)


class ItemView(View):
    """One door with the facts. When its reviewer sees it, the seconds begin."""

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        item = access_item(request.user, pk)
        if request.method == "GET":
            deciding.show(item, request.user.person)
        return _item_page(request, item, DecisionForm())


class DecisionView(View):
    """POST certifies or revokes, and goes on to the next."""

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        item, form = access_item(request.user, pk), DecisionForm(request.POST)
        verdict, me = request.POST.get("verdict", ""), request.user.person
        if form.is_valid():
            try:
                deciding.decide(item, me, verdict, form.cleaned_data["reason"])
            except ValidationError as error:
                _add(form, error)
            else:
                undo = f"undo:{reverse('review_item_undo', args=[pk])}"
                messages.success(request, f"{VERDICTS[verdict]}: {item.holder}, {item.channel_name}.", extra_tags=undo)
                found = reviews.next_item(item.review, me, after=pk)
                return redirect("review_item", found) if found else redirect("review_items", item.review_id)
        return _item_page(request, item, form, status=422)


class UndoView(View):
    """POST takes one's decision back."""

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        item = access_item(request.user, pk)
        try:
            deciding.take_back(item, request.user.person)
        except ValidationError as error:
            messages.error(request, " ".join(error.messages))
        return redirect("review_item", pk)


class HandingInView(View):
    """POST hands in what the reader has decided."""

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        review = access_review(request.user, pk)
        try:
            counts = deciding.hand_in(review, request.user.person)
        except ValidationError as error:
            messages.error(request, " ".join(error.messages))
            return redirect("review_items", pk)
        shut = f" {counts['revoked']} are being shut." if counts["revoked"] else ""
        messages.success(request, f"Handed in: {sum(counts.values())}.{shut}")
        return redirect("review", pk)


class ItemHandoverView(View):
    """POST gives one door another reviewer."""

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        item, form, me = access_item(request.user, pk), HandoverForm(request.POST), request.user.person
        if form.is_valid():
            to, why = form.cleaned_data["to"], form.cleaned_data["reason"]
            try:
                handing.hand_over(item.review, to, me, why, of=item.reviewer, items=[pk])
            except ValidationError as error:
                _add(form, error)
            else:
                messages.success(request, f"Handed to {to}.")
                return redirect("review", item.review_id)
        return _item_page(request, item, DecisionForm(), handover=form, status=422)


class ItemAcceptanceView(View):
    """POST takes on by name that a door stays unproven."""

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        item, form = access_item(request.user, pk), DecisionForm(request.POST)
        if form.is_valid():
            try:
                remedying.accept(item, request.user.person, form.cleaned_data["reason"])
            except ValidationError as error:
                _add(form, error)
            else:
                return redirect("review", item.review_id)
        return _item_page(request, item, form, status=422)


class SampleNewView(View):
    """POST draws doors to be looked at again."""

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        review, form = access_review(request.user, pk), SampleForm(request.POST)
        if form.is_valid():
            said = form.cleaned_data
            try:
                sample = attesting.draw_sample(review, request.user.person, said["rechecker"], said["size"])
            except ValidationError as error:
                _add(form, error)
            else:
                return redirect("review_sample", sample.pk)
        messages.error(request, " ".join(str(word) for words in form.errors.values() for word in words))
        return redirect("review", pk)


class SampleView(View):
    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        return _sample_page(request, access_sample(request.user, pk))


class RecheckView(View):
    """POST decides a drawn door once more."""

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        sampled = access_sampled(request.user, pk)
        try:
            attesting.recheck(
                sampled, request.user.person, request.POST.get("verdict", ""), request.POST.get("reason", "")
            )
        except ValidationError as error:
            return _sample_page(request, sampled.sample, (pk, error.messages, request.POST.get("reason", "")), 422)
        return redirect(f"{reverse('review_sample', args=[sampled.sample_id])}#drawn-{pk}")


def _item_page(
    request: HttpRequest, item: ReviewItem, form: DecisionForm, handover: HandoverForm | None = None, status: int = 200
) -> HttpResponse:
    me = request.user.person
    mine = item.reviewer_id == me.pk
    median = reviews.lately(item.review, me) if mine else None
    context = {
        "item": item, "review": item.review, "facts": facts_of([item])[item.pk], "form": form, "mine": mine,
        "around": reviews.around(item, me), "handover": handover or HandoverForm(),
        "decides": mine and item.state == "open" and item.review.state == "open" and me.pk not in deciding.whose(item),
        "may_undo": item.decided_by_id == me.pk and item.submitted_at is None and item.review.state == "open",
        "too_fast": median is not None and median < FAST_SECONDS, "median": median,
        "may_accept": remedying.may_be_accepted(item) and not item.accepted_by_id and not mine,
    }  # fmt: skip
    return render(request, "governance/review_item.html", context, status=status)


def _sample_page(
    request: HttpRequest, sample: ReviewSample, wrong: tuple | None = None, status: int = 200
) -> HttpResponse:
    drawn: list[SampledItem] = list(
        sample.items.select_related("item__grant", "item__channel", "item__person", "item__granted_by",
                                    "item__decided_by").order_by("pk")
    )  # fmt: skip
    facts = facts_of([each.item for each in drawn])
    done = [each for each in drawn if each.verdict]
    context = {
        "sample": sample, "review": sample.review, "rows": [(each, facts[each.item_id]) for each in drawn],
        "done": len(done), "differ": sum(each.disagrees for each in done), "wrong": wrong,
        "mine": sample.rechecker_id == request.user.person.pk,
    }  # fmt: skip
    return render(request, "governance/review_sample.html", context, status=status)


def _wanted(request: HttpRequest, review: AccessReview) -> tuple[dict, dict]:
    """What the table is narrowed to, and what the filters show."""
    me, reads = request.user.person, review.reads
    whose, state, tier = (request.GET.get(name, "") for name in ("whose", "state", "tier"))
    whose = whose if reads and (whose in ("all", "nobody") or whose.isdecimal()) else "mine"
    wanted: dict = {"reviewer": me.pk} if whose == "mine" else {}
    if whose == "nobody":
        wanted["reviewer"] = None
    elif whose.isdecimal():
        wanted["reviewer"] = min(int(whose), LARGEST)
    state = state or ("open" if whose == "mine" and review.state == "open" else "all")
    if state in reviews.STATES:
        wanted["state"] = state
    if tier in ("high", "medium", "low"):
        wanted["tier"] = tier
    return wanted, {"whose": whose, "state": state, "tier": tier, "reads": reads}


def _query(request: HttpRequest, **more) -> str:
    said = request.GET.copy()
    for name, value in more.items():
        said[name] = str(value)
    return f"?{said.urlencode()}"


def _add(form, error: ValidationError) -> None:
    if not hasattr(error, "error_dict"):
        form.add_error(None, error)
        return
    for name, said in error.message_dict.items():
        form.add_error(name if name in form.fields else None, said)
