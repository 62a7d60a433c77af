"""A channel comes by way of somebody else's approval and a list, and goes by way of its doors."""

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import DatabaseError, transaction
from django.urls import reverse

from accounts.models import AuditEvent, Notification
from channels_registry import proposing, retiring
from channels_registry.models import AccessGrant, Channel, ChannelProposal, Connection, Retirement, Revocation
from channels_registry.models.lifecycle import PROPOSAL_MOVES
from channels_registry.permissions import may
from channels_registry.queries.lifecycle import opening_list
from channels_registry.registering import change_channel, register_channel
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def alice():
    return factories.person("alice")


@pytest.fixture
def gina():
    return factories.person("gina", "social_lead")


@pytest.fixture
def erin():
    return factories.erin()


@pytest.fixture
def proposal(alice, gina, erin):
    return proposing.propose(alice, "sandbox", "repairs", "Repairs", gina, "People ask how to mend.", "Owners")


@pytest.fixture
def channel(gina, erin):
    return register_channel("sandbox", "acme", "Acme", erin, owner=gina)


def ready(proposal, erin) -> ChannelProposal:
    change_channel(proposal.channel, erin, backup_owner=factories.person("bob"), closing_procedure="1. Tell them.")
    for item in ("recovery", "mfa", "connection"):
        proposing.answer(proposal, erin, item, "In the safe in Lyon.")
    return ChannelProposal.objects.get(pk=proposal.pk)


def test_anybody_proposes_and_nothing_is_open_by_it(proposal, alice, gina):
    channel = Channel.objects.get()
    assert (channel.state, channel.owner, proposal.state) == ("proposed", gina, "asked")
    assert not may(gina, "see", channel) and not may(alice, "see", channel)
    assert AuditEvent.objects.get(action="proposal.made").actor == alice
    assert set(Notification.objects.values_list("person__name", flat=True)) == {"Erin", "Gina"}


def test_its_handle_is_taken_while_it_is_proposed_and_free_when_it_is_withdrawn(proposal, alice, erin):
    with pytest.raises(ValidationError, match="registered already"):
        register_channel("sandbox", "@Repairs", "Repairs", erin)
    proposing.withdraw(proposal, alice, "Not needed any more.")
    assert register_channel("sandbox", "@Repairs", "Repairs", erin).pk


def test_who_proposed_it_does_not_decide_by_any_role(proposal, alice, erin):
    factories.person("alice", "admin", "social_lead")
    for decide in (lambda: proposing.approve(proposal, alice), lambda: proposing.send_back(proposal, alice, "So.")):
        with pytest.raises(PermissionDenied, match="Nobody decides on what they proposed"):
            decide()
    with pytest.raises(DatabaseError, match="nobody_approves"), transaction.atomic():
        ChannelProposal.objects.update(state="approved", decided_by=alice)


@pytest.mark.parametrize("who", ["charlie", "bob"])
def test_only_administrators_and_social_leads_decide(proposal, who):
    with pytest.raises(PermissionDenied):
        proposing.approve(proposal, factories.person(who))


def test_it_is_returned_with_a_note_and_proposed_again_by_the_same_person(proposal, alice, gina, erin):
    with pytest.raises(ValidationError, match="Say what is missing"):
        proposing.send_back(proposal, gina, " ")
    proposing.send_back(proposal, gina, "For how long?")
    with pytest.raises(PermissionDenied):
        proposing.propose_again(proposal, erin, "For a year.", "Owners")
    proposing.propose_again(proposal, alice, "For a year.", "Owners")
    assert proposing.approve(proposal, gina).state == "approved"
    actions = AuditEvent.objects.filter(action__startswith="proposal").order_by("pk").values_list("action", flat=True)
    assert list(actions) == ["proposal.made", "proposal.returned", "proposal.made_again", "proposal.approved"]


def test_it_opens_when_it_is_approved_and_every_line_is_done(proposal, gina, erin):
    ready(proposal, erin)
    with pytest.raises(ValidationError, match="waits for approval"):
        proposing.open_channel(proposal, erin)
    proposing.approve(proposal, gina)
    change_channel(proposal.channel, erin, closing_procedure="")
    with pytest.raises(ValidationError, match="Still missing: How it is closed is written down"):
        proposing.open_channel(proposal, erin)
    change_channel(proposal.channel, erin, closing_procedure="1. Tell them.")
    with pytest.raises(PermissionDenied):
        proposing.open_channel(proposal, gina)
    channel = proposing.open_channel(proposal, erin)
    assert channel.state == "live" and may(gina, "manage", channel)
    move = channel.moves.get()
    assert (move.before, move.after, move.by) == ("proposed", "live", erin)


def test_a_recovery_door_on_record_and_a_live_connection_answer_for_themselves(proposal, erin, gina):
    factories.grant(proposal.channel, gina, "holder", door="recovery", label="gina@example.test")
    lines = {line.label.split(",")[0]: line for line in opening_list(proposal)}
    assert lines["A recovery e-mail and phone on record"].done and not lines["Connected"].done


def test_the_database_refuses_a_move_of_a_proposal_that_is_not_declared(proposal):
    for after in set(PROPOSAL_MOVES) - PROPOSAL_MOVES["asked"] - {"asked"}:
        with pytest.raises(DatabaseError, match="not a declared transition"), transaction.atomic():
            ChannelProposal.objects.update(state=after)


def test_the_pages_of_a_proposal_lead_to_an_open_channel(alice, gina, erin):
    said = {
        "network": "sandbox", "handle": "repairs", "name": "Repairs", "why": "People ask.", "audience": "Owners",
        "owner": gina.pk,
    }  # fmt: skip
    browser = factories.signed_in(alice)
    assert browser.post(reverse("channel_proposal_new"), {**said, "why": ""}).status_code == 422
    url = browser.post(reverse("channel_proposal_new"), said).url
    assert "You are asked to decide" not in browser.get(url).content.decode()
    lead = factories.signed_in(gina)
    assert "You are asked to decide" in lead.get(url).content.decode()
    assert "Before it opens" in lead.get(url).content.decode()
    lead.post(url + "approval/", {"note": "Good."})
    ready(ChannelProposal.objects.get(), erin)
    assert factories.signed_in(factories.person("charlie")).get(url).status_code == 404
    answer = factories.signed_in(erin).post(url + "opening/")
    assert answer.url == reverse("channel", args=[Channel.objects.get().pk])
    assert Channel.objects.get().state == "live"


def test_a_channel_rests_is_lost_and_comes_back_each_with_its_reason(channel, gina):
    retiring.rest(channel, gina, "Nobody reads it in summer.")
    retiring.wake(channel, gina, "Summer is over.")
    retiring.lose(channel, gina, "Its mail address is gone.")
    retiring.recover(channel, gina, "The network gave it back.")
    moves = channel.moves.order_by("pk").values_list("before", "after")
    assert list(moves) == [("live", "dormant"), ("dormant", "live"), ("live", "lost"), ("lost", "live")]
    assert AuditEvent.objects.filter(action="channel.moved").count() == 4
    with pytest.raises(ValidationError, match="is not lost"):
        retiring.recover(channel, gina, "Again.")
    with pytest.raises(ValidationError, match="Say why"):
        retiring.lose(channel, gina, " ")
    with pytest.raises(PermissionDenied):
        retiring.lose(channel, factories.person("charlie"), "So.")


def test_a_retired_channel_has_its_doors_shut_first_and_its_rights_at_the_end(channel, gina, erin, alice):
    factories.grant(channel, alice, "author")
    door = factories.grant(channel, alice, "holder", door="shared_login", label="vault/acme")
    made = retiring.begin(channel, gina, "The brand is sold.")
    assert retiring.begin(channel, gina, "Again.") == made and Retirement.objects.count() == 1
    assert Revocation.objects.get().grant == door
    assert may(alice, "draft", channel)
    with pytest.raises(ValidationError, match="1 doors are not proven shut"):
        retiring.finish(made, gina)
    retiring.finish(made, gina, "Deactivated; the page says so.")
    channel.refresh_from_db()
    assert channel.state == "archived" and not may(alice, "draft", channel) and not may(gina, "manage", channel)
    event = AuditEvent.objects.get(action="retirement.finished")
    assert (event.data["doors_left"], event.data["closed"]) == (1, "Deactivated; the page says so.")


def test_what_still_points_there_keeps_it_from_the_archive(channel, gina, monkeypatch):
    from channels_registry.queries import lifecycle

    made = retiring.begin(channel, gina, "The brand is sold.")
    pointing = lifecycle.Pointing("posts that are to go out", 2, "/publications/")
    monkeypatch.setattr(lifecycle, "POINTERS", [lambda channel: pointing])
    with pytest.raises(ValidationError, match="2 posts that are to go out"):
        retiring.finish(made, gina)
    seen = factories.signed_in(gina).get(reverse("channel_retirement", args=[channel.pk])).content.decode()
    assert "posts that are to go out" in seen


def test_posts_and_conversations_are_what_points_at_a_channel(channel):
    from channels_registry.queries import lifecycle

    nouns = {ask(channel).noun for ask in lifecycle.POINTERS}
    assert nouns == {"posts that are to go out", "conversations that are not resolved"}


def test_its_connection_ends_with_it(channel, gina, erin):
    connection = Connection.objects.create(channel=channel, state="pending", sealed_secrets=b"", authorised_by=erin)
    retiring.finish(retiring.begin(channel, gina, "The brand is sold."), gina)
    connection.refresh_from_db()
    assert connection.state == "ended"


def test_a_retirement_is_taken_back(channel, gina):
    made = retiring.withdraw(retiring.begin(channel, gina, "The brand is sold."), gina)
    assert made.withdrawn and Channel.objects.get().state == "live"
    with pytest.raises(ValidationError, match="is over"):
        retiring.finish(made, gina)
    assert AccessGrant.objects.standing().filter(person=gina).exists()
