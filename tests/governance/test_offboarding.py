"""Dana leaves: her doors become revocations, and the case stays open until each is graded."""

from datetime import timedelta

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts import people
from accounts.models import AuditEvent, Departure, Notification
from channels_registry import requesting, revoking
from channels_registry.models import AccessGrant, ChannelUserPermission, Revocation
from channels_registry.models.access_grant import Door
from governance import offboarding
from governance.models import OffboardingCase
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def erin():
    return factories.erin()


@pytest.fixture
def dana():
    return factories.person("dana")


@pytest.fixture
def channel(erin):
    return factories.channel(owner=erin)


def swept_case(dana, ago=timedelta(minutes=1)) -> OffboardingCase:
    factories.departed(dana, ago)
    offboarding.sweep()
    return OffboardingCase.objects.get(person=dana)


def shared_login(channel, dana, erin) -> AccessGrant:
    """A door that no API can shut."""
    return factories.grant(channel, dana, "editor", door=Door.SHARED_LOGIN, label="vault: team login")


def test_a_departure_ahead_opens_a_case_and_shuts_nothing(dana, channel):
    factories.grant(channel, dana, "publisher")
    case = swept_case(dana, timedelta(days=-3))
    assert case.swept_at is None and not case.doors.exists()
    assert offboarding.what_is_missing(case) == [
        "Dana has not left yet. The doors are shut at the minute of the departure."
    ]


def test_the_sweep_turns_every_door_into_a_revocation_once(dana, erin, channel):
    factories.grant(channel, dana, "publisher")
    shared_login(channel, dana, erin)
    case = swept_case(dana)
    offboarding.sweep()
    assert sorted(case.doors.values_list("revocation__grant__door", flat=True)) == ["right", "shared_login"]
    assert AuditEvent.objects.filter(action="offboarding_case.swept", subject_id=str(dana.pk)).count() == 1


def test_a_right_here_is_shut_in_the_same_commit_and_proven(dana, channel):
    grant = factories.grant(channel, dana, "publisher")
    case = swept_case(dana)
    revocation = case.doors.get().revocation
    assert (revocation.stage, revocation.proof) == (Revocation.Stage.VERIFIED, "api")
    assert not ChannelUserPermission.objects.filter(grant=grant).exists()


def test_a_door_found_later_joins_the_open_case(dana, erin, channel):
    case = swept_case(dana)
    AccessGrant.objects.create(
        channel=channel, person=dana, door=Door.ROLE, entitlement="editor", source="observed",
        starts_at=case.departure.at, remote_id="role-1",
    )  # fmt: skip
    offboarding.sweep()
    assert case.doors.count() == 1


def test_a_withdrawn_departure_withdraws_its_case(dana, erin):
    case = swept_case(dana, timedelta(days=-3))
    people.withdraw_departure(case.departure, erin)
    offboarding.sweep()
    case.refresh_from_db()
    assert case.state == "withdrawn"


def test_a_case_does_not_close_before_every_door_is_graded(dana, erin, channel):
    shared_login(channel, dana, erin)
    case = swept_case(dana)
    with pytest.raises(ValidationError, match="1 door is not proven shut yet"):
        offboarding.close(case, erin)


def test_a_case_closes_when_every_door_is_graded(dana, erin, channel):
    factories.grant(channel, dana, "publisher")
    case = swept_case(dana)
    offboarding.close(case, erin)
    case.refresh_from_db()
    assert (case.state, case.closed_by) == ("closed", erin)
    assert AuditEvent.objects.filter(action="offboarding_case.closed", actor=erin).exists()


def test_an_unprovable_door_closes_only_with_the_risk_accepted_by_a_second_person(dana, erin, channel):
    shared_login(channel, dana, erin)
    case = swept_case(dana)
    door = case.doors.get()
    revoking.not_provable(door.revocation, erin, "The vendor has no log and no list.")
    with pytest.raises(ValidationError, match="accept the risk by name"):
        offboarding.close(case, erin)
    door.refresh_from_db()
    acceptance = offboarding.ask_acceptance(door, erin, "The vendor has no log and no list.")
    with pytest.raises(ValidationError, match="Somebody else"):
        offboarding.accept_risk(acceptance, erin)
    ines = factories.person("ines", "admin")
    offboarding.accept_risk(acceptance, ines)
    offboarding.close(case, erin)
    assert AuditEvent.objects.filter(action="risk.accepted", actor=ines).exists()


def test_charlie_may_not_close_a_case_and_the_auditor_neither(dana, channel):
    factories.grant(channel, dana, "publisher")
    case = swept_case(dana)
    for who in (factories.person("charlie"), factories.person("frank", "auditor")):
        with pytest.raises(PermissionDenied):
            offboarding.close(case, who)


def test_nobody_steers_their_own_case(erin, channel):
    ines = factories.person("ines", "admin")
    case = swept_case(ines, timedelta(days=-1))
    with pytest.raises(PermissionDenied):
        offboarding.close(case, ines)


# --- after closing ----------------------------------------------------------------------------------------------------


def observed(channel, who, **more) -> AccessGrant:
    """A door that the network's list has shown, of before."""
    before = timezone.now() - timedelta(days=30)
    return AccessGrant.objects.create(
        channel=channel, person=who, door=Door.ROLE, entitlement="editor", source="observed", starts_at=before,
        remote_id=f"role-{AccessGrant.objects.count()}", **more,
    )  # fmt: skip


def closed_case(dana, by) -> OffboardingCase:
    case = swept_case(dana)
    offboarding.close(case, by)
    return case


def test_a_door_found_after_the_closing_opens_the_case_again_and_its_owner_is_told(dana, erin, channel):
    case = closed_case(dana, erin)
    door = observed(channel, dana)
    offboarding.sweep()
    case.refresh_from_db()
    assert (case.state, case.closed_by, case.closed_at) == ("open", None, None)
    assert case.doors.get().revocation.grant == door
    assert AuditEvent.objects.get(action="offboarding_case.reopened").data["doors"] == 1
    told = Notification.objects.get(person=erin, kind="offboarding.reopened")
    assert told.text == "1 door is open that Dana had, so the case is open again. See it shut."
    with pytest.raises(ValidationError, match="1 door is not proven shut yet"):
        offboarding.close(case, erin)


def test_where_the_owner_has_left_every_administrator_is_told(dana, erin, channel):
    ines = factories.person("ines", "admin")
    case = closed_case(dana, ines)
    factories.departed(erin, by=ines)
    observed(channel, dana)
    offboarding.reopen(case)
    assert list(Notification.objects.filter(kind="offboarding.reopened").values_list("person", flat=True)) == [ines.pk]


def test_a_closed_case_stays_closed_while_no_door_stands(dana, erin, channel):
    factories.grant(channel, dana, "publisher")
    case = closed_case(dana, erin)
    observed(channel, factories.person("alice"))
    observed(channel, dana, ours=True)
    offboarding.sweep()
    case.refresh_from_db()
    assert case.state == "closed" and not AuditEvent.objects.filter(action="offboarding_case.reopened").exists()


def test_a_door_whose_risk_was_accepted_does_not_open_the_case_again(dana, erin, channel):
    shared_login(channel, dana, erin)
    case = swept_case(dana)
    revoking.not_provable(case.doors.get().revocation, erin, "The vendor has no list.")
    acceptance = offboarding.ask_acceptance(case.doors.get(), erin, "The vendor has no list.")
    offboarding.accept_risk(acceptance, factories.person("ines", "admin"))
    offboarding.close(case, erin)
    offboarding.sweep()
    case.refresh_from_db()
    assert case.state == "closed"


@pytest.mark.parametrize("after", ["open", "closed"])
def test_the_database_lets_no_withdrawn_case_go_on(dana, erin, after):
    case = swept_case(dana, timedelta(days=-3))
    people.withdraw_departure(case.departure, erin)
    offboarding.sweep()
    with pytest.raises(IntegrityError, match="not a declared transition"), transaction.atomic():
        OffboardingCase.objects.filter(pk=case.pk).update(state=after)


# --- one case and the others --------------------------------------------------------------------------------------


def test_a_case_that_breaks_is_logged_and_costs_the_other_leavers_nothing(dana, erin, channel, monkeypatch, caplog):
    zoe = factories.person("zoe")
    broken, fine = observed(channel, dana), observed(channel, zoe)
    real = requesting.request_all

    def breaks(grants, *more):
        if broken in grants:
            raise RuntimeError("nobody thought of this")
        return real(grants, *more)

    monkeypatch.setattr(requesting, "request_all", breaks)
    factories.departed(dana, timedelta(minutes=2)), factories.departed(zoe)
    offboarding.sweep()
    assert Revocation.objects.get().grant == fine
    assert "nobody thought of this" in caplog.text


def test_the_way_in_that_socialops_uses_is_no_door_of_the_leaver(dana, channel):
    observed(channel, dana, ours=True)
    case = swept_case(dana)
    assert case.swept_at and not case.doors.exists()


def test_channels_are_locked_in_one_order(dana):
    first, second = factories.channel(), factories.channel()
    observed(second, dana), observed(first, dana)
    with CaptureQueriesContext(connection) as asked:
        swept_case(dana)
    locks = [q["sql"] for q in asked if "channels_registry_channel" in q["sql"] and "FOR UPDATE" in q["sql"]]
    assert any('ORDER BY "channels_registry_channel"."id" ASC' in sql for sql in locks)


def test_a_door_left_open_on_purpose_to_somebody_who_came_back_is_settled(dana, erin, channel):
    shared_login(channel, dana, erin)
    case = swept_case(dana)
    Departure.objects.filter(pk=case.departure_id).update(returned_at=timezone.now())
    revoking.withdraw(case.doors.get().revocation, erin, "She is back, and needs it.")
    offboarding.sweep()
    assert case.doors.count() == 1 and Revocation.objects.count() == 1
    page = factories.signed_in(erin).get(reverse("case", args=[case.pk])).content.decode()
    assert "Left open on purpose" in page and "She is back, and needs it." in page
    case.refresh_from_db()
    offboarding.close(case, erin)
    assert AccessGrant.objects.standing().filter(person=dana).exists()


def test_what_was_withdrawn_before_is_asked_for_again_when_she_leaves_once_more(dana, erin, channel):
    shared_login(channel, dana, erin)
    case = swept_case(dana)
    Departure.objects.filter(pk=case.departure_id).update(returned_at=timezone.now())
    revoking.withdraw(case.doors.get().revocation, erin, "She is back, and needs it.")
    factories.departed(dana)
    offboarding.sweep()
    again = OffboardingCase.objects.exclude(pk=case.pk).get(person=dana)
    assert again.doors.get().revocation.state == "needs_human"


# --- accepting a risk ---------------------------------------------------------------------------------------------


def unprovable_door(dana, erin, channel):
    shared_login(channel, dana, erin)
    door = swept_case(dana).doors.get()
    revoking.not_provable(door.revocation, erin, "The vendor has no list.")
    return door


def test_asked_again_before_it_is_accepted_the_newer_words_count(dana, erin, channel):
    door = unprovable_door(dana, erin, channel)
    first = offboarding.ask_acceptance(door, erin, "No list.")
    again = offboarding.ask_acceptance(door, erin, "No list, and no log either.")
    assert again == first and again.reason == "No list, and no log either."


def test_asked_again_after_it_was_accepted_says_so(dana, erin, channel):
    door = unprovable_door(dana, erin, channel)
    offboarding.accept_risk(offboarding.ask_acceptance(door, erin, "No list."), factories.person("ines", "admin"))
    with pytest.raises(ValidationError, match="Ines has accepted this already"):
        offboarding.ask_acceptance(door, erin, "No list.")
