"""A new channel, from the wish to the first day: proposed by anybody, approved by somebody else, opened by a list."""

from typing import Any

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.db.models.functions import Now

from accounts import audit, notifying
from accounts.models import Person, Role
from accounts.permissions import has_role, is_present, people_with_role, require_role
from channels_registry import access
from channels_registry.models import Channel, ChannelProposal, Entitlement, OpeningAnswer
from channels_registry.moving import move
from channels_registry.permissions import may, may_administer
from channels_registry.queries.lifecycle import DECIDERS, opening_list
from channels_registry.rating import rate
from channels_registry.registering import enter

audit.register("proposal.made", "proposed a channel")
audit.register("proposal.made_again", "proposed a channel again")
audit.register("proposal.approved", "approved a proposed channel")
audit.register("proposal.returned", "returned a proposed channel")
audit.register("proposal.withdrawn", "withdrew a proposed channel")
audit.register("proposal.answered", "answered for the opening of a channel")
audit.register("proposal.opened", "opened a channel")

State = ChannelProposal.State


@transaction.atomic
def propose(
    by: Person, network: str, handle: str, name: str, owner: Person, why: str, audience: str, **details: Any
) -> ChannelProposal:
    """Anybody who works here. It stands in the register as proposed: the handle is taken, and nothing can go out."""
    if not is_present(by):
        raise PermissionDenied("Only people who work here propose channels.")
    _check_words(why, audience)
    channel = enter(network, handle, name, owner, Channel.State.PROPOSED, by, **details)
    made = ChannelProposal.objects.create(
        channel=channel, proposed_by=by, why=why.strip(), audience=audience.strip()
    )  # fmt: skip
    audit.record(by, "proposal.made", made, channel=channel.pk, why=made.why)
    for person in people_with_role(*DECIDERS).exclude(pk=by.pk):
        notifying.notify(person, "proposal.made", f"{by} proposes a channel: {channel.name}.", _url(made))
    return made


@transaction.atomic
def propose_again(proposal: ChannelProposal, by: Person, why: str, audience: str) -> ChannelProposal:
    """After it was returned, by who proposed it."""
    proposal = _locked(proposal, State.RETURNED)
    if by.pk != proposal.proposed_by_id or not is_present(by):
        raise PermissionDenied(f"Only {proposal.proposed_by}, who proposed it, does this.")
    _check_words(why, audience)
    proposal.why, proposal.audience, proposal.state = why.strip(), audience.strip(), State.ASKED
    proposal.save(update_fields=["why", "audience", "state"])
    audit.record(by, "proposal.made_again", proposal, channel=proposal.channel_id, why=proposal.why)
    return proposal


@transaction.atomic
def approve(proposal: ChannelProposal, by: Person, note: str = "") -> ChannelProposal:
    """By an administrator or social lead who did not propose it. It is not open yet."""
    return _decide(proposal, by, State.APPROVED, note)


@transaction.atomic
def send_back(proposal: ChannelProposal, by: Person, note: str) -> ChannelProposal:
    """With what is missing."""
    if not note.strip():
        raise ValidationError({"note": "Say what is missing, so that it can be mended."})
    return _decide(proposal, by, State.RETURNED, note)


@transaction.atomic
def withdraw(proposal: ChannelProposal, by: Person, reason: str) -> ChannelProposal:
    """By who proposed it, or an administrator. The handle is free again."""
    proposal = _locked(proposal, State.ASKED, State.RETURNED, State.APPROVED)
    if not (by.pk == proposal.proposed_by_id and is_present(by)):
        require_role(by, Role.ADMIN)
    proposal.state = State.WITHDRAWN
    proposal.save(update_fields=["state"])
    move(proposal.channel, Channel.State.ARCHIVED, by, reason)
    audit.record(by, "proposal.withdrawn", proposal, channel=proposal.channel_id, reason=reason)
    return proposal


@transaction.atomic
def answer(proposal: ChannelProposal, by: Person, item: str, words: str) -> OpeningAnswer:
    """For a line of the list that only a person knows, by who is near it."""
    proposal = _locked(proposal, State.ASKED, State.RETURNED, State.APPROVED)
    channel = proposal.channel
    near = by.pk in (proposal.proposed_by_id, channel.owner_id, channel.backup_owner_id) and is_present(by)
    if not near and not may_administer(by, channel):
        raise PermissionDenied("Only who proposed it, who answers for it, or an administrator says this.")
    if item not in OpeningAnswer.Item.values or not words.strip():
        raise ValidationError({"answer": "Say how it is, or why not."})
    said = {"answer": words.strip()[:400], "by": by}
    made, _ = OpeningAnswer.objects.update_or_create(proposal=proposal, item=item, defaults=said)
    audit.record(by, "proposal.answered", proposal, item=item, answer=made.answer)
    return made


@transaction.atomic
def open_channel(proposal: ChannelProposal, by: Person) -> Channel:
    """By an administrator, when every line of the list is done. Its owner manages it from now on."""
    require_role(by, Role.ADMIN)
    proposal = _locked(proposal, State.APPROVED)
    channel = proposal.channel
    if missing := [line.label for line in opening_list(proposal) if not line.done]:
        raise ValidationError(f"Still missing: {'; '.join(missing)}.")
    move(channel, Channel.State.LIVE, by, f"Opened: {proposal.why}"[:300])
    proposal.state, proposal.opened_by, proposal.opened_at = State.OPENED, by, Now()
    proposal.save(update_fields=["state", "opened_by", "opened_at"])
    audit.record(by, "proposal.opened", proposal, channel=channel.pk)
    if channel.owner != by and not may(channel.owner, "manage", channel):
        access.grant(channel, channel.owner, Entitlement.MANAGER, by, "Owner of the channel.")
    rate(channel, by)
    _tell(proposal, by, f"{channel.name} is open.")
    return channel


def may_decide(proposal: ChannelProposal, by: Person) -> bool:
    return by.pk != proposal.proposed_by_id and has_role(by, *DECIDERS)


def _decide(proposal: ChannelProposal, by: Person, state: str, note: str) -> ChannelProposal:
    proposal = _locked(proposal, State.ASKED)
    if by.pk == proposal.proposed_by_id:
        raise PermissionDenied("Nobody decides on what they proposed. Ask another administrator or social lead.")
    require_role(by, *DECIDERS)
    proposal.state, proposal.decided_by, proposal.decided_at, proposal.note = state, by, Now(), note.strip()[:500]
    proposal.save(update_fields=["state", "decided_by", "decided_at", "note"])
    audit.record(by, f"proposal.{state}", proposal, channel=proposal.channel_id, note=proposal.note)
    _tell(proposal, by, f"{by} {state} the channel you proposed: {proposal.channel.name}.")
    return proposal


def _tell(proposal: ChannelProposal, by: Person, words: str) -> None:
    if proposal.proposed_by != by:
        notifying.notify(proposal.proposed_by, "proposal.decided", words, _url(proposal))


def _locked(proposal: ChannelProposal, *states: str) -> ChannelProposal:
    Channel.objects.select_for_update().get(pk=proposal.channel_id)
    rows = ChannelProposal.objects.select_for_update(of=("self",))
    proposal = rows.select_related("channel__owner", "channel__backup_owner", "proposed_by").get(pk=proposal.pk)
    if proposal.state not in states:
        raise ValidationError(f"This proposal is {proposal.get_state_display().lower()} by now. Look again.")
    return proposal


def _check_words(why: str, audience: str) -> None:
    wrong = {"why": why, "audience": audience}
    words = {"why": "Say what it is needed for.", "audience": "Say whom it is to reach."}
    if missing := {name: words[name] for name, said in wrong.items() if not said.strip()}:
        raise ValidationError(missing)


def _url(proposal: ChannelProposal) -> str:
    return f"/channels/proposals/{proposal.pk}/"
