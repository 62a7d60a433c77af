"""How risky a channel is: the sum of what is known, unless somebody says otherwise by name and until a day."""

from datetime import timedelta

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import DatabaseError, transaction
from django.urls import reverse
from django.utils import timezone

from accounts.models import AuditEvent
from channels_registry import access, rating
from channels_registry.models import Channel, RiskOverride
from channels_registry.models.channel import CHANNEL_BORN, CHANNEL_MOVES
from channels_registry.models.risk import score
from channels_registry.queries import trouble
from channels_registry.registering import change_channel, register_channel, say_reviewed
from tests import factories

pytestmark = pytest.mark.django_db
QUIET = {"audience": 100, "kind": "local", "regulated": False, "verified": False, "ads": False, "crisis": False}
SOON = timedelta(days=30)


@pytest.fixture
def gina():
    return factories.person("gina")


@pytest.fixture
def channel(gina):
    return register_channel("sandbox", "acme", "Acme", factories.erin(), owner=gina, audience_size=100, kind="local")


def today():
    return timezone.now().date()


@pytest.mark.parametrize(
    ("more", "points"),
    [
        ({}, 5),
        ({"audience": 999}, 5),
        ({"audience": 1_000}, 15),
        ({"audience": 100_000}, 35),
        ({"audience": None}, 15),
        ({"kind": "executive"}, 20),
        ({"regulated": True}, 25),
        ({"crisis": True}, 25),
        ({"verified": True, "ads": True}, 25),
        ({"holders": 8}, 13),
        ({"holders": 20}, 20),
    ],
)
def test_each_factor_adds_its_points(more, points):
    assert score(**{**QUIET, "holders": 0, **more}).points == points


def test_the_sum_is_that_of_its_lines_and_decides_the_tier():
    worst = score(
        audience=10**6, kind="corporate", regulated=True, verified=True, ads=True, crisis=True, holders=50
    )  # fmt: skip
    assert worst.points == sum(each.points for each in worst.factors) == sum(each.most for each in worst.factors) == 125
    tiers = [score(**{**QUIET, "holders": 0, **more}).tier for more in (
        {"regulated": True}, {"regulated": True, "kind": "brand"}, {"crisis": True, "audience": 10**6, "kind": "brand"},
    )]  # fmt: skip
    assert tiers == ["low", "medium", "high"]


def test_a_channel_is_rated_when_it_is_registered_and_when_it_changes(channel):
    assert channel.risk_tier == "low"
    change_channel(channel, factories.erin(), regulated=True, crisis_voice=True, kind="corporate")
    channel.refresh_from_db()
    assert channel.risk_tier == "high"
    assert AuditEvent.objects.filter(action="channel.rated").latest("pk").data["after"] == "high"


def test_people_who_get_in_raise_the_risk_without_anybody_touching_the_channel(channel):
    change_channel(channel, factories.erin(), regulated=True)
    assert Channel.objects.get().risk_tier == "low"  # 25 points
    for number in range(7):
        access.grant(channel, factories.person(f"author {number}"), "author", factories.erin(), "works on it")
        access.grant(channel, factories.person(f"reader {number}"), "viewer", factories.erin(), "looks at it")
    assert rating.rate_due() == 1
    assert Channel.objects.get().risk_tier == "medium"  # eight hands; who only looks is none
    assert rating.rate_due() == 0


def test_who_manages_it_says_a_higher_tier_until_a_day(channel, gina):
    rating.override(channel, "high", gina, "A strike is ahead.", today() + SOON)
    assert Channel.objects.get().risk_tier == "high"
    event = AuditEvent.objects.get(action="channel.risk_overridden")
    assert (event.actor, event.data["computed"], event.data["tier"]) == (gina, "low", "high")
    RiskOverride.objects.update(until=today() - timedelta(days=1))
    assert rating.rate_due() == 1
    assert Channel.objects.get().risk_tier == "low"


def test_only_an_administrator_who_does_not_own_it_says_a_lower_tier(channel, gina):
    erin, ines = factories.erin(), factories.person("ines", "admin")
    change_channel(channel, erin, crisis_voice=True, regulated=True, owner=erin)
    for by in (gina, erin, factories.person("charlie")):  # manages it; owns it; may not
        with pytest.raises(PermissionDenied):
            rating.override(channel, "low", by, "Nobody reads it.", today() + SOON)
    rating.override(channel, "low", ines, "Nobody reads it.", today() + SOON)
    assert Channel.objects.get().risk_tier == "low"


def test_what_somebody_raised_its_owner_does_not_take_back(channel, gina):
    rating.override(channel, "high", factories.erin(), "A strike is ahead.", today() + SOON)
    for undo in (
        lambda: rating.end_override(channel, gina),
        lambda: rating.override(channel, "medium", gina, "So.", today()),
    ):
        with pytest.raises(PermissionDenied, match="does not own"):
            undo()
    rating.end_override(channel, factories.erin())
    assert Channel.objects.get().risk_tier == "low"


@pytest.mark.parametrize(
    ("tier", "reason", "days", "field"),
    [("huge", "Why not.", 5, "tier"), ("low", "So.", 5, "tier"), ("high", " ", 5, "reason"),
     ("high", "So.", -1, "until"), ("high", "So.", 400, "until")],
)  # fmt: skip
def test_an_override_needs_a_tier_a_reason_and_a_day_within_a_year(channel, tier, reason, days, field):
    with pytest.raises(ValidationError) as refused:
        rating.override(channel, tier, factories.erin(), reason, today() + timedelta(days=days))
    assert field in refused.value.error_dict


def test_the_page_shows_every_line_of_the_sum_and_lets_only_managers_change_it(channel, gina):
    charlie = factories.person("charlie")
    access.grant(channel, charlie, "viewer", factories.erin(), "looks at it")
    url = reverse("channel_risk", args=[channel.pk])
    seen = factories.signed_in(charlie).get(url).content.decode()
    assert "Speaks in a crisis" in seen and "Together" in seen and "Say another tier" not in seen
    said = {"tier": "high", "until": (today() + SOON).isoformat(), "reason": "A strike is ahead."}
    assert factories.signed_in(charlie).post(url, said).status_code == 403
    assert factories.signed_in(gina).post(url, said).status_code == 302
    assert "A strike is ahead." in factories.signed_in(charlie).get(url).content.decode()


def test_a_channel_of_high_risk_is_looked_at_sooner(channel, gina):
    assert channel.review_due == today() + timedelta(days=365)
    say_reviewed(channel, gina, "All right.")
    rating.override(channel, "high", gina, "A strike is ahead.", today() + SOON)
    with pytest.raises(ValidationError, match="within 90 days"):
        say_reviewed(channel, gina, next_due=today() + timedelta(days=91))
    assert say_reviewed(channel, gina).next_due == today() + timedelta(days=90)
    assert AuditEvent.objects.filter(action="channel.reviewed").count() == 2
    with pytest.raises(PermissionDenied):
        say_reviewed(channel, factories.person("charlie"))


def test_an_overdue_review_stands_on_today_in_the_list_and_on_the_channel(channel, gina):
    browser = factories.signed_in(gina)
    overdue = f"{reverse('channel_list')}?review=overdue"
    assert "Acme" not in browser.get(overdue).content.decode()
    Channel.objects.update(review_due=today() - timedelta(days=1))
    assert "Acme" in browser.get(overdue).content.decode()
    assert [each.word for each in trouble(gina)] == ["Overdue"]
    assert "Its review is overdue" in browser.get(reverse("channel", args=[channel.pk])).content.decode()
    assert browser.post(reverse("channel_review", args=[channel.pk]), {"note": ""}).status_code == 302
    assert trouble(gina) == []


def test_the_database_refuses_a_move_that_is_not_declared(channel):
    states = set(Channel.State.values)
    assert set(CHANNEL_MOVES) == states
    for after in states - CHANNEL_MOVES["live"] - {"live"}:
        with pytest.raises(DatabaseError, match="not a declared transition"), transaction.atomic():
            Channel.objects.update(state=after)
    Channel.objects.update(state="lost")
    Channel.objects.update(state="live")
    for born in states - CHANNEL_BORN:
        with pytest.raises(DatabaseError, match="not a state to begin in"), transaction.atomic():
            Channel.objects.create(network="sandbox", handle=born, name=born, owner=channel.owner, state=born)
