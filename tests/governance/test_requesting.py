"""Asking for access: who approves does not give, and nobody does either for themselves by any route."""

from datetime import timedelta

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts import covering
from accounts import people as staffing
from accounts.models import AuditEvent, Notification
from channels_registry import access, registering, seating, sharing
from channels_registry.models import AccessGrant
from channels_registry.permissions import may
from governance import queries, requesting
from governance.models import AccessRequest, RequestDecision
from tests import factories

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


@pytest.fixture
def cast():
    found = {name: factories.person(name) for name in ("gina", "alice", "bob", "charlie", "hana")}
    return found | {"erin": factories.erin(), "ines": factories.person("ines", "admin")}


@pytest.fixture
def channel(cast):
    made = factories.channel(owner=cast["gina"])
    made.backup_owner, made.risk_tier = cast["bob"], "low"
    made.save()
    return made


@pytest.fixture
def asked(cast, channel):
    return requesting.ask(cast["alice"], channel, "publisher", "Covers the launch", 30)


def risky(channel) -> None:
    channel.risk_tier = "high"
    channel.save()


def test_the_owner_approves_and_the_engine_gives(asked, cast, channel):
    assert Notification.objects.filter(person=cast["gina"], kind="access_request").exists()
    requesting.approve(asked, cast["gina"])
    assert not may(cast["alice"], "publish", channel)  # approving gives nothing
    requesting.sweep()
    asked.refresh_from_db()
    assert asked.state == "granted" and may(cast["alice"], "publish", channel)
    assert asked.granted_by is None and asked.grant.granted_by is None
    assert abs(asked.grant.expires_at - timezone.now() - 30 * DAY) < timedelta(minutes=1)
    event = AuditEvent.objects.get(action="access_request.granted")
    assert event.data["approvers"] == [cast["gina"].pk] and event.actor is None


def test_sweeping_twice_gives_once(asked, cast):
    requesting.approve(asked, cast["gina"])
    requesting.sweep()
    assert requesting.sweep() == 0
    assert AccessGrant.objects.filter(person=cast["alice"]).count() == 1


def test_high_risk_wants_a_second_person_and_two_words_of_one_are_one(channel, cast):
    risky(channel)
    asked = requesting.ask(cast["alice"], channel, "publisher", "Covers the launch")
    with pytest.raises(PermissionDenied, match="somebody else"):
        requesting.approve(asked, cast["erin"])  # the owner first
    requesting.approve(asked, cast["gina"])
    with pytest.raises(PermissionDenied):
        requesting.approve(asked, cast["gina"])
    requesting.sweep()
    assert not may(cast["alice"], "publish", channel)
    requesting.approve(asked, cast["bob"])
    requesting.sweep()
    assert may(cast["alice"], "publish", channel)


def test_a_risk_that_grew_after_approval_asks_for_one_more(asked, cast, channel):
    requesting.approve(asked, cast["gina"])
    risky(channel)
    requesting.sweep()
    asked.refresh_from_db()
    assert (asked.state, asked.needed) == ("asked", 2) and not may(cast["alice"], "publish", channel)
    requesting.approve(asked, cast["bob"])
    requesting.sweep()
    assert may(cast["alice"], "publish", channel)


def test_the_backup_decides_only_while_the_owner_cannot(asked, cast):
    with pytest.raises(PermissionDenied):
        requesting.approve(asked, cast["bob"])
    today = timezone.now().date()
    covering.plan_absence(cast["gina"], today - DAY, today + DAY)
    assert requesting.approve(asked, cast["bob"]).state == "approved"


def test_an_administrator_decides_where_neither_can(asked, cast):
    factories.departed(cast["gina"])
    with pytest.raises(PermissionDenied):
        requesting.approve(asked, cast["erin"])
    factories.departed(cast["bob"])
    assert requesting.approve(asked, cast["erin"]).state == "approved"


def test_the_owner_who_asks_is_decided_about_by_the_backup(channel, cast):
    asked = requesting.ask(cast["gina"], channel, "publisher", "I post myself")
    with pytest.raises(PermissionDenied, match="themselves"):
        requesting.approve(asked, cast["gina"])
    requesting.approve(asked, cast["bob"])
    requesting.sweep()
    assert may(cast["gina"], "publish", channel)


def test_nobody_approves_for_themselves_by_any_route(channel, cast):
    """The verb, a role that was given meanwhile, owning the channel, managing it, and the row itself."""
    asked = requesting.ask(cast["alice"], channel, "publisher", "I would like to")
    for step in (
        lambda: None,
        lambda: staffing.give_role(cast["alice"], "admin", cast["erin"]),
        lambda: registering.change_channel(channel, cast["erin"], owner=cast["alice"]),
        lambda: factories.grant(channel, cast["alice"], "viewer"),
        lambda: factories.departed(cast["bob"]),
    ):
        step()
        with pytest.raises(PermissionDenied, match="themselves"):
            requesting.approve(asked, cast["alice"])
        with pytest.raises(PermissionDenied, match="themselves"):
            requesting.refuse(asked, cast["alice"], "no")
    with pytest.raises(PermissionDenied, match="themselves"):
        access.grant(channel, cast["alice"], "publisher", cast["alice"], "as an administrator")
    with pytest.raises(IntegrityError, match="nobody_approves"), transaction.atomic():
        RequestDecision.objects.create(request=asked, asker=cast["alice"], by=cast["alice"], verdict="approved")
    with pytest.raises(IntegrityError, match="nobody_grants"), transaction.atomic():
        AccessRequest.objects.filter(pk=asked.pk).update(granted_by=cast["alice"])


def test_charlie_decides_nothing_but_may_ask(asked, cast, channel):
    with pytest.raises(PermissionDenied):
        requesting.approve(asked, cast["charlie"])
    with pytest.raises(PermissionDenied):
        requesting.withdraw(asked, cast["charlie"])
    assert requesting.ask(cast["charlie"], channel, "viewer", "I am curious").state == "asked"


def test_what_a_refusal_says_is_read_by_who_asked(asked, cast):
    with pytest.raises(ValidationError, match="Say why"):
        requesting.refuse(asked, cast["gina"], " ")
    requesting.refuse(asked, cast["gina"], "Bob does it this month.")
    told = Notification.objects.get(person=cast["alice"], kind="access_request")
    assert "Bob does it this month." in told.text
    with pytest.raises(ValidationError, match="settled"):
        requesting.approve(asked, cast["gina"])


def test_nobody_decided_in_time_and_then_nobody_can(asked, cast):
    AccessRequest.objects.update(decide_by=timezone.now() - timedelta(seconds=1))
    with pytest.raises(ValidationError, match="time is over"):
        requesting.approve(asked, cast["gina"])
    requesting.sweep()
    asked.refresh_from_db()
    assert asked.state == "expired" and AuditEvent.objects.filter(action="access_request.expired").exists()


def test_who_has_to_decide_is_reminded_every_two_days(asked, cast):
    assert requesting.sweep() == 0
    AccessRequest.objects.update(reminded_at=timezone.now() - 3 * DAY)
    assert requesting.sweep() == 1 and requesting.sweep() == 0
    assert Notification.objects.filter(person=cast["gina"], text__contains="still waits").count() == 1


def test_what_has_to_be_true_first_keeps_it_waiting_and_is_said(asked, cast, channel, monkeypatch):
    monkeypatch.setattr(requesting, "PRECONDITIONS", [lambda request: "The training is missing."])
    requesting.approve(asked, cast["gina"])
    requesting.sweep()
    asked.refresh_from_db()
    assert (asked.state, asked.trouble) == ("approved", "The training is missing.")
    monkeypatch.setattr(requesting, "PRECONDITIONS", [])
    requesting.sweep()
    assert may(cast["alice"], "publish", channel)


def test_who_left_after_the_approval_gets_nothing(asked, cast, channel):
    requesting.approve(asked, cast["gina"])
    factories.departed(cast["alice"])
    requesting.sweep()
    assert not AccessGrant.objects.filter(person=cast["alice"]).exists()


def test_a_shared_login_is_given_by_a_third_person(channel, cast):
    login = sharing.add_login(cast["erin"], "The desk", "Vault: Desk", [channel], cast["hana"])
    asked = requesting.ask(cast["alice"], channel, "full access", "Night desk", login=login)
    with pytest.raises(PermissionDenied):
        requesting.approve(asked, cast["gina"])  # the login's owner, not the channel's
    requesting.approve(asked, cast["hana"])
    requesting.sweep()
    assert not AccessGrant.objects.filter(login=login).exists()
    for wrong in (cast["alice"], cast["hana"], cast["charlie"]):
        with pytest.raises(PermissionDenied):
            requesting.give(asked, wrong)
    requesting.give(asked, cast["erin"])
    assert AccessGrant.objects.get(login=login).person == cast["alice"]


def test_an_administrator_who_approved_does_not_give(channel, cast):
    tool = seating.register_tool(cast["erin"], "Canva", cast["erin"], [channel])
    asked = requesting.ask(cast["alice"], channel, "editor", "Pictures", tool=tool)
    requesting.approve(asked, cast["erin"])
    with pytest.raises(PermissionDenied, match="Somebody else"):
        requesting.give(asked, cast["erin"])
    assert requesting.give(asked, cast["ines"]).granted_by == cast["ines"]


@pytest.mark.parametrize(
    "wrong", [{"reason": " "}, {"days": 0}, {"days": 400}, {"entitlement": "root"}, {"entitlement": ""}]
)
def test_what_cannot_be_asked_for(channel, cast, wrong):
    given = {"entitlement": "author", "reason": "Writes", "days": 3} | wrong
    with pytest.raises(ValidationError):
        requesting.ask(cast["alice"], channel, **given)


def test_once_is_enough_and_what_one_has_is_not_asked_for(asked, channel, cast):
    with pytest.raises(ValidationError, match="asked for this already"):
        requesting.ask(cast["alice"], channel, "publisher", "Again")
    factories.grant(channel, cast["alice"], "author")
    with pytest.raises(ValidationError, match="have this already"):
        requesting.ask(cast["alice"], channel, "author", "Again")


def test_the_database_refuses_a_move_that_is_not_declared(asked):
    with pytest.raises(IntegrityError, match="not a declared transition"), transaction.atomic():
        AccessRequest.objects.filter(pk=asked.pk).update(state="granted")


def test_it_waits_on_todays_list_of_who_has_the_next_word_and_of_nobody_else(asked, cast):
    waits = {name for name, person in cast.items() if queries.to_approve(person).exists()}
    assert waits == {"gina"}
