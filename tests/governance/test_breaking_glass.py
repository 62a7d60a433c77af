"""Emergency access: two people, four hours, everybody told, reported and reviewed; never alone unless it is allowed."""

from datetime import timedelta

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.models import AuditEvent, Notification
from channels_registry import expiring
from channels_registry.models import AccessGrant
from channels_registry.permissions import may
from governance import breaking_glass
from governance.models import BreakGlass
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def cast():
    found = {name: factories.person(name) for name in ("alice", "charlie", "hana")}
    lead = {"gina": factories.person("gina", "social_lead"), "ines": factories.person("ines", "admin")}
    return found | lead | {"erin": factories.erin()}


@pytest.fixture
def channel(cast):
    return factories.channel(owner=cast["hana"])


@pytest.fixture
def asked(cast, channel):
    return breaking_glass.ask(cast["alice"], channel, "publisher", "A false post is out", "INC-7", 60)


def over(glass) -> BreakGlass:
    """An hour later."""
    hour = timedelta(hours=2)
    BreakGlass.objects.filter(pk=glass.pk).update(
        opened_at=glass.opened_at - hour, ends_at=glass.ends_at - hour, report_due_at=glass.report_due_at - hour
    )
    AccessGrant.objects.filter(pk=glass.grant_id).update(
        starts_at=glass.opened_at - hour, expires_at=glass.ends_at - hour
    )
    glass.refresh_from_db()
    return glass


def told(kind="break_glass") -> set[str]:
    return set(Notification.objects.filter(kind=kind, by_mail=True).values_list("person__name", flat=True))


def test_a_second_person_opens_it_at_once_and_everybody_is_told(asked, cast, channel):
    assert not may(cast["alice"], "publish", channel) and told() == {"Erin", "Gina", "Ines"}
    opened = breaking_glass.confirm(asked, cast["gina"])
    assert opened.state == "open" and may(cast["alice"], "publish", channel)
    words = Notification.objects.filter(text__contains="is open for Alice")
    assert set(words.values_list("person__name", flat=True)) == {"Erin", "Ines", "Hana"}
    assert AuditEvent.objects.get(action="break_glass.opened").actor == cast["gina"]


def test_it_is_over_at_its_minute_with_nothing_running(asked, cast, channel):
    over(breaking_glass.confirm(asked, cast["gina"]))
    assert not may(cast["alice"], "publish", channel)
    assert breaking_glass.sweep() == 1 and breaking_glass.sweep() == 0
    asked.refresh_from_db()
    assert asked.state == "over" and AuditEvent.objects.filter(action="break_glass.over").exists()


@pytest.mark.parametrize("minutes", [0, 241])
def test_never_for_more_than_four_hours(channel, cast, minutes):
    with pytest.raises(ValidationError, match="four hours"):
        breaking_glass.ask(cast["alice"], channel, "publisher", "fire", "INC-7", minutes)


def test_and_nobody_gives_it_more_time(asked, cast):
    glass = breaking_glass.confirm(asked, cast["gina"])
    with pytest.raises(ValidationError, match="Emergency access"):
        expiring.extend(glass.grant, cast["erin"], timezone.now() + timedelta(days=3), "handy")


def test_nobody_confirms_or_reviews_their_own_not_even_an_administrator(channel, cast):
    erin = cast["erin"]
    mine = breaking_glass.ask(erin, channel, "publisher", "fire", "INC-8")
    for step in (breaking_glass.confirm, breaking_glass.refuse):
        with pytest.raises(PermissionDenied, match="their own"):
            step(mine, erin)
    breaking_glass.confirm(mine, cast["ines"])
    breaking_glass.report(mine, erin, "Took the post down.")
    with pytest.raises(PermissionDenied, match="their own"):
        breaking_glass.review(mine, erin, "All fine")
    with pytest.raises(IntegrityError, match="a_second_person_confirms"), transaction.atomic():
        BreakGlass.objects.filter(pk=mine.pk).update(confirmed_by=erin)
    with pytest.raises(IntegrityError, match="somebody_else_reviews"), transaction.atomic():
        BreakGlass.objects.filter(pk=mine.pk).update(reviewed_by=erin)


def test_the_database_opens_nothing_for_one_person(asked):
    with pytest.raises(IntegrityError, match="two_people_open_it"), transaction.atomic():
        BreakGlass.objects.filter(pk=asked.pk).update(state="open")


def test_charlie_confirms_nothing(asked, cast):
    for step in (breaking_glass.confirm, breaking_glass.refuse, breaking_glass.withdraw):
        with pytest.raises(PermissionDenied):
            step(asked, cast["charlie"])


def test_alone_only_where_it_is_allowed_and_then_somebody_has_to_look_within_a_day(channel, cast, settings):
    alone = {"reason": "fire", "incident": "INC-9", "alone": True}
    with pytest.raises(ValidationError, match="second person"):
        breaking_glass.ask(cast["alice"], channel, "publisher", **alone)
    settings.BREAK_GLASS_ALONE = True
    glass = breaking_glass.ask(cast["alice"], channel, "publisher", **alone)
    assert glass.state == "open" and may(cast["alice"], "publish", channel)
    BreakGlass.objects.filter(pk=glass.pk).update(confirm_by=timezone.now() - timedelta(minutes=1))
    assert breaking_glass.sweep() == 1 and breaking_glass.sweep() == 0
    assert AuditEvent.objects.get(action="break_glass.overdue").data["lacking"] == "no second person"
    assert breaking_glass.confirm(glass, cast["gina"]).confirmed_by == cast["gina"]


def test_nobody_confirmed_within_the_hour(asked, cast):
    BreakGlass.objects.filter(pk=asked.pk).update(confirm_by=timezone.now() - timedelta(seconds=1))
    with pytest.raises(ValidationError, match="hour is over"):
        breaking_glass.confirm(asked, cast["gina"])
    breaking_glass.sweep()
    asked.refresh_from_db()
    assert asked.state == "lapsed"


def test_reported_by_who_had_it_and_reviewed_by_a_third(asked, cast, channel):
    breaking_glass.confirm(asked, cast["gina"])
    with pytest.raises(PermissionDenied):
        breaking_glass.report(asked, cast["erin"], "They took it down")
    with pytest.raises(ValidationError, match="Say what you did"):
        breaking_glass.report(asked, cast["alice"], " ")
    breaking_glass.report(asked, cast["alice"], "Took the post down, told legal.")
    assert not may(cast["alice"], "publish", channel)  # whoever reports has finished
    with pytest.raises(PermissionDenied, match="You confirmed it"):
        breaking_glass.review(asked, cast["gina"], "Fine")
    assert breaking_glass.review(asked, cast["erin"], "As it had to be.").state == "reviewed"


def test_a_report_that_does_not_suffice_is_due_again(asked, cast):
    breaking_glass.confirm(asked, cast["gina"])
    breaking_glass.report(asked, cast["alice"], "Done.")
    assert breaking_glass.review(asked, cast["erin"], "Which post?", enough=False).state == "over"
    assert breaking_glass.report(asked, cast["alice"], "Post 12.").state == "reported"


def test_a_report_that_never_came_is_told_to_everybody_once(asked, cast):
    over(breaking_glass.confirm(asked, cast["gina"]))
    breaking_glass.sweep()
    BreakGlass.objects.update(report_due_at=timezone.now() - timedelta(minutes=1))
    assert breaking_glass.sweep() == 1 and breaking_glass.sweep() == 0
    assert AuditEvent.objects.get(action="break_glass.overdue").data["lacking"] == "no report"


def test_ended_early_by_who_has_it_or_could_have_confirmed_it(asked, cast, channel):
    breaking_glass.confirm(asked, cast["gina"])
    with pytest.raises(PermissionDenied):
        breaking_glass.close(asked, cast["charlie"])
    breaking_glass.close(asked, cast["erin"])
    assert not may(cast["alice"], "publish", channel)


@pytest.mark.parametrize("wrong", [{"reason": ""}, {"incident": " "}, {"entitlement": "root"}])
def test_what_cannot_be_asked_for(channel, cast, wrong):
    with pytest.raises(ValidationError):
        breaking_glass.ask(
            cast["alice"], channel, **({"entitlement": "publisher", "reason": "x", "incident": "y"} | wrong)
        )
