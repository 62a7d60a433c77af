"""What is done to a conversation or a reply: each POST creates the fact and goes back to the conversation."""

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views import View

from inbox import replying, triaging
from inbox.forms import AssignmentForm, ConfirmationForm, ReplyForm, SnoozeForm
from inbox.models import Message
from inbox.permissions import access_conversation, access_reply
from inbox.views.conversations import back, conversation_page
from socialops.lib.numbers import number
from socialops.lib.refusals import add_refusal


class ReplyNewView(View):
    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        conversation = access_conversation(request.user, pk)
        form = ReplyForm(request.POST)
        if not form.is_valid():
            return conversation_page(request, pk, form, status=422)
        said = form.cleaned_data
        to = Message.objects.filter(conversation=conversation, pk=said["seen"] or 0).first()
        try:
            replying.reply(conversation, said["text"], request.user.person, to=to, token=said["token"])
        except (ValidationError, PermissionDenied) as error:
            add_refusal(form, error)
            return conversation_page(request, pk, form, status=_status(request, error))
        return back(request, pk)


class AssignmentView(View):
    """GET asks who; POST asks them. `take` asks the one who pressed it."""

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        conversation = access_conversation(request.user, pk, "answer")
        form = AssignmentForm(conversation=conversation, initial={"to": conversation.assigned_to_id})
        return render(request, "inbox/assignment.html", {"conversation": conversation, "form": form})

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        conversation, person = access_conversation(request.user, pk), request.user.person
        if "take" in request.POST:
            return _done(request, pk, lambda: triaging.take(conversation, person), "It is yours.")
        form = AssignmentForm(request.POST, conversation=conversation)
        if form.is_valid():
            to = form.cleaned_data["to"]
            try:
                triaging.assign(conversation, to, person, form.cleaned_data["reason"])
            except ValidationError as error:
                add_refusal(form, error)
            else:
                messages.success(request, f"{to} is asked to answer." if to else "It is everybody’s again.")
                return redirect("conversation", pk)
        return render(request, "inbox/assignment.html", {"conversation": conversation, "form": form}, status=422)


class ResolutionView(View):
    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        conversation = access_conversation(request.user, pk)
        last = number(request.POST.get("seen"))
        undo = reverse("reopening", args=[pk])
        return _done(request, pk, lambda: triaging.resolve(conversation, request.user.person, last), "Resolved.", undo)


class ReopeningView(View):
    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        conversation = access_conversation(request.user, pk)
        return _done(request, pk, lambda: triaging.reopen(conversation, request.user.person), "Open again.")


class SnoozeView(View):
    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        conversation, form = access_conversation(request.user, pk), SnoozeForm(request.POST)
        if not form.is_valid():
            return conversation_page(request, pk, problem="Choose until when.", status=422)
        until, undo = form.until(), reverse("reopening", args=[pk])
        return _done(request, pk, lambda: triaging.snooze(conversation, until, request.user.person), "Snoozed.", undo)


class ReplyVerbView(View):
    """POST does one of the verbs of replying to a reply. urls.py names which."""

    verb = ""

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        reply = access_reply(request.user, pk)
        more: dict[str, Any] = {}
        if self.verb == "confirm":
            form = ConfirmationForm(request.POST)
            more = {"url": form.cleaned_data["url"] if form.is_valid() else "?"}
        verb = getattr(replying, self.verb)
        return _done(request, reply.conversation_id, lambda: verb(reply, request.user.person, **more))


def _done(request: HttpRequest, pk: int, verb: Callable[[], Any], words: str = "", undo: str = "") -> HttpResponse:
    """Do it and go back; a refusal stands on the conversation's page."""
    try:
        verb()
    except (ValidationError, PermissionDenied) as error:
        problem = " ".join(getattr(error, "messages", [str(error)]))
        return conversation_page(request, pk, problem=problem, status=_status(request, error))
    if words:
        messages.success(request, words, extra_tags=f"undo:{undo}" if undo else "")
    return back(request, pk)


def _status(request: HttpRequest, error: Exception) -> int:
    """HTMX shows a 422 and hides a 403."""
    return 403 if isinstance(error, PermissionDenied) and not request.htmx else 422
