"""An agency leaves: all of its people at one minute, followed on one page."""

from datetime import UTC, datetime, timedelta

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.urls import reverse
from django.utils import timezone

from accounts import people
from accounts.models import AuditEvent, Departure
from channels_registry import revoking
from channels_registry.models import Revocation
from governance import batching, offboarding
from governance.models import OffboardingBatch, OffboardingCase
from governance.queries import progress
from tests import factories

pytestmark = pytest.mark.django_db
NAMES = ["tomas", "uma", "viktor"]


def wall(**ahead) -> datetime:
    return (timezone.now() + timedelta(**ahead)).astimezone(UTC).replace(tzinfo=None)


def agency() -> list:
    return [factories.person(name) for name in NAMES]


def test_everybody_gets_a_departure_and_a_case_with_one_owner():
    batch = batching.leave_together(factories.erin(), "Agency, Madrid", agency(), wall(days=2), "UTC")
    cases = OffboardingCase.objects.filter(batch=batch)
    assert cases.count() == 3 and {case.owner for case in cases} == {factories.erin()}
    assert len(set(Departure.objects.values_list("at", flat=True))) == 1
    assert len(AuditEvent.objects.get(action="offboarding_batch.opened").data["people"]) == 3


def test_one_who_cannot_leave_is_named_and_then_nobody_does():
    them = agency()
    factories.departed(them[1], -timedelta(days=1))
    with pytest.raises(ValidationError) as refused:
        batching.leave_together(factories.erin(), "Agency", them, wall(days=2), "UTC")
    assert "Uma has a departure already" in str(refused.value.message_dict["people"])
    assert not OffboardingBatch.objects.exists() and Departure.objects.count() == 1


def test_whoever_records_it_is_no_part_of_it():
    with pytest.raises(ValidationError, match="their own departure"):
        batching.leave_together(factories.erin(), "Agency", [*agency(), factories.erin()], wall(days=2), "UTC")


def test_somebody_named_twice_leaves_once():
    them = agency()
    batch = batching.leave_together(factories.erin(), "Agency", [*them, *them], wall(days=2), "UTC")
    assert batch.cases.count() == 3


def test_charlie_and_the_auditor_may_not():
    for who in (factories.person("charlie"), factories.person("frank", "auditor")):
        with pytest.raises(PermissionDenied):
            batching.leave_together(who, "Agency", agency(), wall(days=2), "UTC")


def test_from_the_page_a_team_and_addresses_are_one_list():
    them, erin = agency(), factories.erin()
    for person in them[:2]:
        people.join_team(person, "Agency", erin)
    browser = factories.signed_in(erin)
    team = them[0].memberships.get().team_id
    said = {"name": "Agency", "team": team, "people": " UMA@example.test, viktor@example.test", "date": "2027-05-03",
            "time": "17:00", "time_zone": "Europe/Madrid"}  # fmt: skip
    page = browser.post(reverse("batch_new"), {**said, "people": "nobody@example.test"})
    assert page.status_code == 422 and "Nobody who works here has the address nobody@example.test" in page.text
    assert browser.post(reverse("batch_new"), said).status_code == 302
    assert OffboardingBatch.objects.get().cases.count() == 3


def test_who_leaves_does_not_read_the_page_of_those_who_leave():
    ines = factories.person("ines", "admin")
    batch = batching.leave_together(factories.erin(), "Agency", [*agency(), ines], wall(days=2), "UTC")
    assert factories.signed_in(ines).get(reverse("batch", args=[batch.pk])).status_code == 404
    assert "Agency" not in factories.signed_in(ines).get(reverse("case_list")).text
    assert factories.signed_in(factories.erin()).get(reverse("batch", args=[batch.pk])).status_code == 200


# --- burning down -----------------------------------------------------------------------------------------------------


def left_together():
    """Three who left a moment ago: each with a right here and a shared login that gina rotates by hand."""
    channel = factories.channel(owner=factories.person("gina"))
    for person in agency():
        factories.grant(channel, person, "publisher")
        factories.grant(channel, person, "poster", door="shared_login", label=f"Vault {person.name}")
    batch = batching.leave_together(factories.erin(), "Agency", agency(), wall(minutes=-5), "UTC")
    offboarding.sweep()
    return batch


def test_the_figures_say_what_is_left_by_kind_and_who_is_waited_for():
    batch = left_together()
    task = Revocation.objects.filter(grant__door="shared_login").first()
    revoking.confirm(revoking.attest(task, factories.person("gina"), "Rotated."), factories.erin())
    doors = progress.doors_of_cases(batch.cases.all())
    right, login = progress.kinds(doors)
    assert (right.to_revoke, right.in_hand, right.proven, right.p50) == (0, 0, 3, None)
    assert (login.to_revoke, login.in_hand, login.proven) == (2, 0, 1) and login.p50 == login.p95 >= timedelta(0)
    (slow,) = progress.slow_hands(doors)
    assert (slow["assigned_to__name"], slow["doors"]) == ("Gina", 2)
    line = progress.burndown(doors)
    assert line.points[-1][1] == 2 and line.highest >= 2


def test_the_page_shows_it_in_few_queries(django_assert_max_num_queries):
    batch, browser = left_together(), factories.signed_in(factories.erin())
    browser.get("/people/")  # a first request notes the session as well
    for path in (reverse("batch", args=[batch.pk]), reverse("case_list")):
        with django_assert_max_num_queries(12):
            page = browser.get(path).text
        assert "Who is waited for" in page and "3 of 6" in page and "<polyline" in page


def test_no_doors_make_no_line():
    assert progress.burndown(Revocation.objects.all()).line == ""
