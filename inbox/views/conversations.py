"""The three panes: views and list, conversation, the customer beside it. The address says what is shown."""

from typing import Any
from urllib.parse import urlencode

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views import View

from channels_registry.connector.text import UNITS
from channels_registry.permissions import seen_by
from inbox import queries
from inbox.forms import SNOOZES, ReplyForm
from inbox.models import Conversation
from socialops.lib.numbers import number


class InboxView(View):
    """?view= one of queries.VIEWS, ?channel=, ?q=, ?before= the cursor of the page before."""

    def get(self, request: HttpRequest) -> HttpResponse:
        if request.htmx.target == "conversations":
            context = _list_context(request)
            return _unchanged(request, context["listed"].stamp) or render(request, "inbox/inbox.html#list", context)
        return _page(request, inbox_context(request))


class ConversationView(View):
    """The same with one conversation open; ?until= reads back."""

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        if request.htmx.target == "log":
            return _log(request, pk)
        return conversation_page(request, pk)


def find(request: HttpRequest, pk: int) -> Conversation:
    conversation = queries.conversation_for(request.user.person, pk)
    if conversation is None:
        raise Http404("There is no such conversation, or it is not yours to see.")
    return conversation


def conversation_page(
    request: HttpRequest, pk: int, form: ReplyForm | None = None, problem: str = "", status: int = 200
) -> HttpResponse:
    """The page of one conversation, with the reply as it was typed and what was wrong with it."""
    conversation = find(request, pk)
    context = inbox_context(request)
    context |= {
        "conversation": conversation,
        "thread": queries.thread(conversation, request.GET.get("until", "")),
        "before": queries.before(conversation, context["channels"]),
        "form": form or ReplyForm.blank(),
        "limit": _limit(conversation),
        "problem": problem,
        "snoozes": SNOOZES,
    }
    return _page(request, context, status)


def back(request: HttpRequest, pk: int) -> HttpResponse:
    """After a verb: the conversation again, with the list as it was."""
    chosen = urlencode({name: value for name, value in request.POST.items() if name in ("view", "channel", "q")})
    response = redirect("conversation", pk)
    response["Location"] += f"?{chosen}" if chosen else ""
    return response


def inbox_context(request: HttpRequest) -> dict[str, Any]:
    context = _list_context(request)
    counts = queries.counts(context["channels"], request.user.person)
    views = [(slug, label, counts.get(slug)) for slug, label in queries.VIEWS.items()]
    narrowed = {name: value for name, value in context["filters"].items() if name != "view"}
    return {**context, "views": views, "narrowed": urlencode(narrowed)}


def filters(request: HttpRequest) -> dict[str, str]:
    """What the address says about the list; a POST carries it along."""
    said = request.GET if request.method == "GET" else request.POST
    chosen = {name: said[name] for name in ("channel", "q") if said.get(name)}
    view = said.get("view", "")
    return {"view": view if view in queries.VIEWS else "open", **chosen}


def _limit(conversation: Conversation) -> dict[str, Any]:
    """How long an answer may be here, in the network's unit."""
    try:
        limits = conversation.channel.connector.limits_for(conversation.facts or {})
    except KeyError:
        return {}
    return {"most": limits.text, "unit": UNITS[limits.counts_by]}


def _page(request: HttpRequest, context: dict[str, Any], status: int = 200) -> HttpResponse:
    whole = "inbox/inbox.html#panes" if request.htmx.target == "inbox" else "inbox/inbox.html"
    return render(request, whole, context, status=status)


def _list_context(request: HttpRequest) -> dict[str, Any]:
    person = request.user.person
    channels = seen_by(person)
    chosen = filters(request)
    wanted = {"channel": number(chosen.get("channel")), "q": chosen.get("q", "").strip()[:100]}
    listed = queries.listed(channels, person, chosen["view"], wanted, request.GET.get("before", ""))
    return {
        "channels": channels,
        "filters": chosen,
        "query": urlencode(chosen),
        "listed": listed,
        "next": urlencode({**chosen, "before": listed.next}) if listed.next else "",
    }


def _log(request: HttpRequest, pk: int) -> HttpResponse:
    """What was said, for a page that shows it already. Most often nothing has changed, which costs one query."""
    until = request.GET.get("until", "")
    if same := _unchanged(request, queries.stamp(request.user.person, pk, until)):
        return same
    conversation = find(request, pk)
    context = {"conversation": conversation, "thread": queries.thread(conversation, until), "filters": filters(request)}
    return render(request, "inbox/inbox.html#log", context)


def _unchanged(request: HttpRequest, stamp: str | None) -> HttpResponse | None:
    """204 for a part that refreshes itself and shows already what there is."""
    return HttpResponse(status=204) if stamp and request.GET.get("stamp") == stamp else None
