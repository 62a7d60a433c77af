"""The queue of a channel: its slots, what stands in them, and changing places."""

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views import View

from channels_registry.models import Channel
from channels_registry.permissions import access_channel, may
from publishing import queueing
from publishing.forms.planning import SlotForm
from publishing.models.slot import DAYS
from publishing.permissions import access_publication, access_slot, access_variant
from socialops.lib.refusals import add_refusal

SHOWN = 100


class QueueView(View):
    """GET shows slots and queue; POST adds a slot."""

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        return _page(request, access_channel(request.user, pk), SlotForm())

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        channel, form = access_channel(request.user, pk, "publish"), SlotForm(request.POST)
        if not form.is_valid():
            return _page(request, channel, form, status=422)
        try:
            slot = queueing.add_slot(
                channel, form.cleaned_data["weekday"], form.cleaned_data["at"], request.user.person
            )
        except ValidationError as error:
            add_refusal(form, error)
            return _page(request, channel, form, status=422)
        messages.success(request, f"Added {slot}.")
        return redirect("queue", pk)


class SlotView(View):
    """POST gives a slot another day or time, or removes it with remove=yes, and says what moved with it."""

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        slot, person = access_slot(request.user, pk), request.user.person
        channel, form = slot.channel, SlotForm(request.POST, prefix=f"slot{slot.pk}")
        try:
            if request.POST.get("remove") == "yes":
                moved = queueing.remove_slot(slot, person)
            elif form.is_valid():
                moved = queueing.change_slot(slot, form.cleaned_data["weekday"], form.cleaned_data["at"], person)
            else:
                raise ValidationError("Choose a day, and write the time as 09:30.")
        except ValidationError as error:
            messages.error(request, " ".join(error.messages))
            return redirect("queue", channel.pk)
        names = ", ".join(f"“{one.variant.post.title}”" for one in moved[:5])
        words = (
            f"{len(moved)} moved with it: {names}{' and others' if len(moved) > 5 else ''}."
            if moved
            else "Nothing moved."
        )
        messages.success(request, f"The slot is changed. {words}")
        return redirect("queue", channel.pk)


class QueuedView(View):
    """POST puts a variant into the queue of its channel."""

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        variant = access_variant(request.user, pk)
        try:
            publication = queueing.add_to_queue(variant, request.user.person)
        except ValidationError as error:
            messages.error(request, " ".join(error.messages))
            return redirect("schedule", pk)
        wall = publication.wall_time
        messages.success(request, f"Queued for {wall:%A} {wall.day} {wall:%B, %H:%M}, {publication.time_zone}.")
        return redirect("post", variant.post_id)


class QueuePlaceView(View):
    """POST changes places with the one before (earlier=yes) or after it."""

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        publication = access_publication(request.user, pk)
        try:
            queueing.swap(publication, request.user.person, request.POST.get("earlier") == "yes")
            messages.success(request, "They changed places.")
        except ValidationError as error:
            messages.error(request, " ".join(error.messages))
        return redirect("queue", publication.channel_id)


def _page(request: HttpRequest, channel: Channel, form: SlotForm, status: int = 200) -> HttpResponse:
    slots = list(channel.slots.order_by("weekday", "at"))
    queue = queueing.queue_of(channel).select_related("variant__post", "answerable", "slot")
    context = {
        "channel": channel, "form": form, "may_publish": may(request.user.person, "publish", channel),
        "days": [(name, [(s, SlotForm.of(s)) for s in slots if s.weekday == n]) for n, name in enumerate(DAYS)],
        "slots": slots, "queue": queue[:SHOWN],
    }  # fmt: skip
    return render(request, "publishing/queue.html", context, status=status)
