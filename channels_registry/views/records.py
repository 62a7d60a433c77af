"""How risky a channel is and why, with a tier by hand; and that somebody has looked at its record."""

from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views import View

from channels_registry import rating
from channels_registry.forms.channels import OverrideForm, RecordReviewForm
from channels_registry.models import Channel
from channels_registry.permissions import access_channel, may_administer
from channels_registry.queries.risk import overrides_of, score_of
from channels_registry.registering import may_review, say_reviewed
from socialops.lib.refusals import add_refusal


class RiskView(View):
    """The arithmetic, for whoever sees the channel. POST says another tier."""

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        return self._page(request, access_channel(request.user, pk), OverrideForm())

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        channel, form = access_channel(request.user, pk, "administer"), OverrideForm(request.POST)
        if form.is_valid():
            said = form.cleaned_data
            try:
                rating.override(channel, said["tier"], request.user.person, said["reason"], said["until"])
            except (ValidationError, PermissionDenied) as error:
                add_refusal(form, error)
            else:
                messages.success(request, f"{channel.name} counts as {said['tier']} risk now.")
                return redirect("channel_risk", pk)
        return self._page(request, channel, form, 422)

    def _page(self, request: HttpRequest, channel: Channel, form: OverrideForm, status: int = 200) -> HttpResponse:
        overrides, today = overrides_of(channel), timezone.now().date()
        standing = next((each for each in overrides if each.ended_at is None and each.until >= today), None)
        context = {
            "channel": channel,
            "score": score_of(channel),
            "overrides": overrides,
            "standing": standing,
            "form": form if may_administer(request.user.person, channel) else None,
        }
        return render(request, "channels_registry/channel_risk.html", context, status=status)


class OverrideEndingView(View):
    """POST lets the arithmetic count again."""

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        channel = access_channel(request.user, pk, "administer")
        try:
            rating.end_override(channel, request.user.person)
        except (ValidationError, PermissionDenied) as error:
            messages.error(request, " ".join(getattr(error, "messages", [str(error)])))
        else:
            messages.success(request, f"The arithmetic rates {channel.name} again.")
        return redirect("channel_risk", pk)


class RecordReviewView(View):
    """What stands in the register; POST says that it is right."""

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        return self._page(request, access_channel(request.user, pk), RecordReviewForm())

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        channel, form = access_channel(request.user, pk), RecordReviewForm(request.POST)
        if form.is_valid():
            try:
                made = say_reviewed(channel, request.user.person, **form.cleaned_data)
            except ValidationError as error:
                add_refusal(form, error)
            else:
                messages.success(
                    request, f"{channel.name} is reviewed. The next look is due by {made.next_due:%d %B %Y}."
                )
                return redirect("channel", pk)
        return self._page(request, channel, form, 422)

    def _page(self, request: HttpRequest, channel: Channel, form: RecordReviewForm, status: int = 200) -> HttpResponse:
        reviews = list(channel.record_reviews.select_related("by").order_by("-pk")[:10])
        context = {
            "channel": channel,
            "form": form,
            "reviews": reviews,
            "may": may_review(request.user.person, channel),
        }
        return render(request, "channels_registry/channel_review.html", context, status=status)
