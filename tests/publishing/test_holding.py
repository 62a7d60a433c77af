"""Nothing leaves while a hold stands, and nothing fires when it is lifted."""

from datetime import timedelta

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import IntegrityError
from django.utils import timezone

from publishing import campaigning, drafting, holding, queries, scheduling
from publishing.models import Hold, Post, Publication
from tests import factories
from tests.publishing.steps import came_late, events, tomorrow, trail


def test_a_social_lead_holds_everything(publication, gina):
    hold = holding.place(gina, "Outage")
    assert list(queries.held_by(hold)) == [publication]
    assert [each.scope for each in queries.standing_holds()] == ["Everything"]
    assert trail(hold) == ["hold.placed"]


def test_a_hold_of_one_channel_or_one_network_leaves_the_rest(publication, gina, second, acme):
    assert not queries.held_by(holding.place(gina, "x", channel=second)).exists()
    assert queries.held_by(holding.place(gina, "x", channel=acme)).exists()
    assert queries.held_by(holding.place(gina, "x", network="sandbox")).exists()


def test_a_hold_of_one_campaign_or_one_tag_leaves_the_rest(publication, gina, alice, acme):
    winter, spring = campaigning.create(alice, "Winter"), campaigning.create(alice, "Spring")
    Post.objects.update(campaign=winter, tags=["boots", "snow"])
    assert not queries.held_by(holding.place(gina, "x", campaign=spring)).exists()
    assert not queries.held_by(holding.place(gina, "x", tag="boot")).exists()
    assert queries.held_by(holding.place(gina, "x", campaign=winter)).get() == publication
    assert queries.held_by(holding.place(gina, "x", tag="Snow ")).get() == publication
    assert [each.scope for each in queries.standing_holds()] == [
        "The campaign “Spring”", "What is tagged “boot”", "The campaign “Winter”", "What is tagged “snow”",
    ]  # fmt: skip


def test_the_approver_is_told_of_a_hold_of_the_campaign(post, gina, alice):
    Post.objects.update(campaign=campaigning.create(alice, "Winter"), tags=["snow"])
    post.refresh_from_db()
    assert not queries.holds_on([], post).exists()
    holding.place(gina, "x", campaign=post.campaign)
    holding.place(gina, "x", tag="snow")
    assert queries.holds_on([], post).count() == 2


def test_the_owner_of_a_campaign_holds_it_and_lifts_it(alice, bob, charlie):
    winter = campaigning.create(alice, "Winter")
    for person in (bob, charlie):
        with pytest.raises(PermissionDenied, match="Alice"):
            holding.place(person, "x", campaign=winter)
    assert holding.lift(holding.place(alice, "x", campaign=winter), alice).lifted_at
    with pytest.raises(PermissionDenied):
        holding.place(alice, "x", tag="snow")


def test_a_tag_that_is_held_keeps_its_name(publication, gina):
    Post.objects.update(tags=["snow"])
    holding.place(gina, "x", tag="snow")
    with pytest.raises(ValidationError, match="Lift that hold"):
        campaigning.rename_tag(gina, "snow", "ice")


@pytest.mark.parametrize("left", ["campaign", "tags"])
def test_a_post_stays_in_what_is_held(post, gina, alice, left):
    winter = campaigning.create(alice, "Winter")
    Post.objects.update(campaign=winter, tags=["snow", "boots"])
    hold = holding.place(gina, "x", campaign=winter) if left == "campaign" else holding.place(gina, "x", tag="snow")
    away = {"campaign": {"campaign": None}, "tags": {"tags": ["boots"]}}[left]
    with pytest.raises(ValidationError, match="is held, so this post stays in it") as refused:
        drafting.edit_post(post, alice, expected_revision=1, **away)
    assert list(refused.value.message_dict) == [left]
    drafting.edit_post(
        post, alice, expected_revision=1, text="Another text", tags=["snow", "ice"]
    )  # the rest may change
    holding.lift(hold, gina)
    drafting.edit_post(post, alice, expected_revision=2, **away)


@pytest.mark.parametrize("other", [{"network": "sandbox"}, {"tag": "snow"}])
def test_the_database_refuses_a_hold_of_two_scopes(acme, gina, other):
    with pytest.raises(IntegrityError):
        Hold.objects.create(reason="x", placed_by=gina, channel=acme, **other)


@pytest.mark.parametrize("name", ["charlie", "alice", "bob", "dana"])
def test_who_is_neither_lead_nor_manager_holds_nothing(acme, name):
    for scope in ({}, {"network": "sandbox"}, {"channel": acme}):
        with pytest.raises(PermissionDenied):
            holding.place(factories.person(name), "because", **scope)
    assert not Hold.objects.exists()


def test_a_manager_holds_their_channel_and_no_more(acme, second):
    manager = factories.person("mona")
    factories.grant(acme, manager, "manager")
    assert holding.place(manager, "x", channel=acme).channel == acme
    for scope in ({}, {"network": "sandbox"}, {"channel": second}):
        with pytest.raises(PermissionDenied):
            holding.place(manager, "x", **scope)


def test_a_hold_needs_a_reason_and_one_scope(gina, acme):
    with pytest.raises(ValidationError, match="Say why"):
        holding.place(gina, "  ")
    with pytest.raises(ValidationError, match="not both"):
        holding.place(gina, "x", network="sandbox", channel=acme)
    with pytest.raises(ValidationError, match="one of the networks"):
        holding.place(gina, "x", network="myspace")


def test_the_same_hold_is_not_placed_twice(gina):
    holding.place(gina, "Outage")
    with pytest.raises(ValidationError, match="already"):
        holding.place(gina, "Outage again")


def test_nothing_fires_when_it_is_lifted(publication, gina):
    hold = holding.place(gina, "Outage")
    _overdue(publication)
    holding.lift(hold, gina)
    publication.refresh_from_db()
    assert publication.state == "held"
    assert "Outage" in publication.reason
    assert trail(publication)[-1] == "publication.held"
    assert trail(hold) == ["hold.placed", "hold.lifted"]


def test_what_falls_due_while_the_lifting_is_written_down_is_held(publication, gina):
    """Workers see the hold until then, so it was due while it stood."""
    hold = holding.place(gina, "Outage")
    soon = timezone.now() + timedelta(seconds=1)
    Publication.objects.filter(pk=publication.pk).update(due_at=soon, next_attempt_at=soon)
    holding.lift(hold, gina)
    publication.refresh_from_db()
    assert publication.state == "held"
    assert events(hold)[-1].data["held"] == 1


@pytest.mark.parametrize("scope", [{}, {"network": "sandbox"}, {"channel": "acme"}, {"tag": "snow"}])
def test_two_people_at_the_same_moment_place_one_hold(acme, gina, scope, monkeypatch):
    """The second does not see the first, whose transaction is not over when it looks."""
    scope = {name: acme if name == "channel" else value for name, value in scope.items()}
    holding.place(gina, "Outage", **scope)
    look, looks = holding._refuse_second, []

    def blind(*scope):
        looks.append(scope)
        return look(*scope) if len(looks) > 1 else None

    monkeypatch.setattr(holding, "_refuse_second", blind)
    with pytest.raises(ValidationError, match="already placed"):
        holding.place(gina, "Outage too", **scope)
    assert Hold.objects.filter(lifted_at=None).count() == 1


@pytest.mark.parametrize("scope", [{}, {"network": "sandbox"}, {"channel": "acme"}, {"tag": "snow"}])
def test_the_same_hold_may_be_placed_again_when_it_was_lifted(acme, gina, scope):
    scope = {name: acme if name == "channel" else value for name, value in scope.items()}
    holding.lift(holding.place(gina, "Outage", **scope), gina)
    assert holding.place(gina, "Outage", **scope).lifted_at is None


def test_what_a_late_answer_says_to_be_out_is_not_kept(publication, dana):
    _held(publication)
    came_late(publication)
    with pytest.raises(ValidationError, match="late answer"):
        holding.keep(publication, dana)


def test_what_is_still_ahead_keeps_its_time(publication, gina):
    holding.lift(holding.place(gina, "Outage"), gina)
    publication.refresh_from_db()
    assert publication.state == "scheduled"


def test_a_retry_that_would_come_later_is_held_too(publication, gina):
    """Its time has passed; that its next try is a minute ahead makes it no plan."""
    hold = holding.place(gina, "Outage")
    _overdue(publication, next_attempt_at=timezone.now() + timedelta(minutes=1))
    holding.lift(hold, gina)
    publication.refresh_from_db()
    assert publication.state == "held"


def test_lifting_is_for_who_may_hold_and_once(gina, charlie):
    hold = holding.place(gina, "Outage")
    with pytest.raises(PermissionDenied):
        holding.lift(hold, charlie)
    holding.lift(hold, gina)
    with pytest.raises(ValidationError, match="already lifted"):
        holding.lift(hold, gina)


def test_each_held_post_is_kept_moved_or_dropped_by_a_person(publication, dana):
    _held(publication)
    holding.keep(publication, dana)
    publication.refresh_from_db()
    assert publication.state == "scheduled"
    assert trail(publication)[-1] == "publication.kept"
    _held(publication)
    assert scheduling.reschedule(publication, tomorrow(18), "UTC", dana).state == "scheduled"
    _held(publication)
    assert scheduling.cancel(publication, dana).state == "cancelled"


def test_what_is_past_its_time_is_not_kept(publication, dana):
    _held(publication)
    _overdue(publication)
    with pytest.raises(ValidationError, match="passed"):
        holding.keep(publication, dana)


def test_charlie_may_not_keep_it(publication, charlie):
    _held(publication)
    with pytest.raises(PermissionDenied):
        holding.keep(publication, charlie)


def test_only_a_held_post_is_kept(publication, dana):
    with pytest.raises(ValidationError, match="not held"):
        holding.keep(publication, dana)


def _held(publication):
    Publication.objects.filter(pk=publication.pk).update(state="held")


def _overdue(publication, **more):
    past = timezone.now() - timedelta(minutes=5)
    Publication.objects.filter(pk=publication.pk).update(**{"due_at": past, "next_attempt_at": past, **more})
