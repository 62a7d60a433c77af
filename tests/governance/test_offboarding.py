"""Dana leaves: her doors become revocations, and the case stays open until each is graded."""

from datetime import timedelta

import pytest
from django.core.exceptions import PermissionDenied, ValidationError

from accounts import people
from accounts.models import AuditEvent
from channels_registry import revoking
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
