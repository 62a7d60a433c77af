"""A channel is proposed, approved and opened; it rests, is lost and found, or is retired."""

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views import View

from channels_registry import proposing, retiring
from channels_registry.forms.lifecycle import AgainForm, DecisionForm, FinishForm, ProposalForm, WhyForm
from channels_registry.models import Channel, ChannelProposal
from channels_registry.models.channel import CHANNEL_MOVES
from channels_registry.permissions import access_channel, may
from channels_registry.queries.doors import LIVE_REVOCATIONS
from channels_registry.queries.lifecycle import (
    doors_still_open,
    opening_list,
    pointing_at,
    proposal_for,
    proposals_of,
    retirement_of,
)
from socialops.lib.refusals import add_refusal

PAGE = 100


class ProposalListView(View):
    def get(self, request: HttpRequest) -> HttpResponse:
        rows = list(proposals_of(request.user.person)[:PAGE])
        return render(request, "channels_registry/proposal_list.html", {"proposals": rows})


class ProposalNewView(View):
    def get(self, request: HttpRequest) -> HttpResponse:
        form = ProposalForm(initial={"owner": request.user.person.pk})
        return render(request, "channels_registry/proposal_new.html", {"form": form})

    def post(self, request: HttpRequest) -> HttpResponse:
        form = ProposalForm(request.POST)
        if form.is_valid():
            try:
                made = proposing.propose(by=request.user.person, **form.cleaned_data)
            except (ValidationError, PermissionDenied) as error:
                add_refusal(form, error)
            else:
                messages.success(request, "Proposed. You are told when somebody has decided.")
                return redirect("channel_proposal", made.pk)
        return render(request, "channels_registry/proposal_new.html", {"form": form}, status=422)


class ProposalView(View):
    """The wish, the decision, and the list of what is to be done before it is opened. POST proposes it again."""

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        return self.page(request, proposal_for(request.user, pk))

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        proposal, form = proposal_for(request.user, pk), AgainForm(request.POST)
        if form.is_valid():
            try:
                proposing.propose_again(proposal, request.user.person, **form.cleaned_data)
                return redirect("channel_proposal", pk)
            except (ValidationError, PermissionDenied) as error:
                add_refusal(form, error)
        return self.page(request, proposal, again=form, status=422)

    def page(
        self,
        request: HttpRequest,
        proposal: ChannelProposal,
        again: AgainForm | None = None,
        status: int = 200,
    ) -> HttpResponse:
        me, state = request.user.person, proposal.state
        mine = me.pk == proposal.proposed_by_id
        standing = state in ("asked", "returned", "approved")
        lines = opening_list(proposal) if standing else []
        said = {"why": proposal.why, "audience": proposal.audience}
        context = {
            "proposal": proposal,
            "channel": proposal.channel,
            "lines": lines,
            "ready": all(line.done for line in lines),
            "decision": DecisionForm() if state == "asked" and proposing.may_decide(proposal, me) else None,
            "again": again or AgainForm(initial=said) if state == "returned" and mine else None,
            "may_open": state == "approved" and request.user.is_admin,
            "may_withdraw": standing and (mine or request.user.is_admin),
            "may_answer": standing and (request.user.is_admin or me.pk in _near(proposal)),
            "may_change": request.user.is_admin,
        }
        return render(request, "channels_registry/proposal.html", context, status=status)


class ProposalVerbView(View):
    """POST decides, withdraws, answers or opens. urls.py names which."""

    act = ""

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        proposal, me, said = proposal_for(request.user, pk), request.user.person, request.POST
        why = said.get("reason", "")[:300] or "Not needed any more."
        verbs: dict[str, Callable[[], Any]] = {
            "approve": lambda: proposing.approve(proposal, me, said.get("note", "")[:500]),
            "return": lambda: proposing.send_back(proposal, me, said.get("note", "")[:500]),
            "withdraw": lambda: proposing.withdraw(proposal, me, why),
            "answer": lambda: proposing.answer(proposal, me, said.get("item", ""), said.get("answer", "")[:400]),
            "open": lambda: proposing.open_channel(proposal, me),
        }
        try:
            verbs[self.act]()
        except ValidationError as error:
            messages.error(request, " ".join(error.messages))
        else:
            if self.act == "open":
                messages.success(request, f"{proposal.channel.name} is open.")
                return redirect("channel", proposal.channel_id)
        return redirect("channel_proposal", pk)


class StateView(View):
    """Which states the channel can go to; POST with one of them, and why."""

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        return self._page(request, access_channel(request.user, pk, "administer"), WhyForm())

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        channel, form = access_channel(request.user, pk, "administer"), WhyForm(request.POST)
        verb = self._offered(channel).get(request.POST.get("to", ""))
        if form.is_valid() and verb:
            try:
                verb[0](channel, request.user.person, form.cleaned_data["reason"])
            except ValidationError as error:
                add_refusal(form, error)
            else:
                messages.success(request, f"{channel.name}: the state is changed.")
                return redirect("channel", pk)
        elif form.is_valid():
            form.add_error(None, "Choose what becomes of it.")
        return self._page(request, channel, form, 422)

    def _offered(self, channel: Channel) -> dict[str, tuple[Callable, str]]:
        """By the state it leads to: the verb, and the words of its button."""
        back = (retiring.wake, "Wake it") if channel.state == "dormant" else (retiring.recover, "We have it back")
        verbs = {"dormant": (retiring.rest, "Let it rest"), "lost": (retiring.lose, "We lost it"), "live": back}
        allowed = CHANNEL_MOVES[channel.state] if channel.state != "proposed" else set()
        return {state: verbs[state] for state in ("dormant", "live", "lost") if state in allowed}

    def _page(self, request: HttpRequest, channel: Channel, form: WhyForm, status: int = 200) -> HttpResponse:
        context = {
            "channel": channel, "form": form,
            "offered": [(state, words) for state, (_, words) in self._offered(channel).items()],
            "moves": list(channel.moves.select_related("by").order_by("-pk")[:20]),
            "may_retire": channel.state in ("live", "dormant", "lost", "impostor"),
        }  # fmt: skip
        return render(request, "channels_registry/channel_state.html", context, status=status)


class RetirementView(View):
    """What still points at a channel that is to go, and its doors. POST begins it."""

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        return self._page(request, access_channel(request.user, pk), WhyForm(), FinishForm())

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        channel, form = access_channel(request.user, pk, "administer"), WhyForm(request.POST)
        if form.is_valid():
            try:
                retiring.begin(channel, request.user.person, form.cleaned_data["reason"])
                return redirect("channel_retirement", pk)
            except ValidationError as error:
                add_refusal(form, error)
        return self._page(request, channel, form, FinishForm(), 422)

    def _page(
        self, request: HttpRequest, channel: Channel, form: WhyForm, finish: FinishForm, status: int = 200
    ) -> HttpResponse:
        doors = doors_still_open(channel).select_related("person", "identity").prefetch_related(LIVE_REVOCATIONS)
        context = {
            "channel": channel, "form": form, "finish": finish, "retirement": retirement_of(channel),
            "pointing": pointing_at(channel), "doors": list(doors.order_by("door", "pk")[:200]),
            "may_manage": request.user.is_admin or may(request.user.person, "manage", channel),
        }  # fmt: skip
        return render(request, "channels_registry/channel_retirement.html", context, status=status)


class RetirementEndingView(View):
    """POST finishes the retirement, or withdraws it (urls.py names which)."""

    act = ""

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        channel, me = access_channel(request.user, pk, "administer"), request.user.person
        retirement = retirement_of(channel)
        try:
            if retirement is None:
                raise ValidationError(f"{channel.name} is not being retired.")
            if self.act == "finish":
                retiring.finish(retirement, me, request.POST.get("closed", "")[:400])
            else:
                retiring.withdraw(retirement, me)
        except ValidationError as error:
            messages.error(request, " ".join(error.messages))
            return redirect("channel_retirement", pk)
        words = "is in the archive." if self.act == "finish" else "stays."
        messages.success(request, f"{channel.name} {words}")
        return redirect("channel_list") if self.act == "finish" else redirect("channel", pk)


def _near(proposal: ChannelProposal) -> set[int | None]:
    return {proposal.proposed_by_id, proposal.channel.owner_id, proposal.channel.backup_owner_id}
