"""What is broken, or about to be: named by who can mend it, and never so long that the urgent is buried."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from channels_registry.models import AccessGrant, Channel, Connection
from tests import factories
from tests.publishing import steps

pytestmark = pytest.mark.django_db


def one_administrator(channel: Channel, who: str = "dana") -> Channel:
    """As the network listed it."""
    AccessGrant.objects.create(
        channel=channel, person=factories.person(who), door="role", entitlement="admin", source="observed",
        starts_at=timezone.now() - timedelta(days=1), remote_id=f"{channel.pk}-{who}",
    )  # fmt: skip
    return channel


def connection(channel: Channel, days: float | None = None, trouble: str = "Only a person can renew it.") -> Connection:
    """Live until in so many days; without days it is dead."""
    made = Connection.objects.create(channel=channel, sealed_secrets=b"-", authorised_by=factories.erin())
    ends = timezone.now() + timedelta(days=days or 0)
    for state in ("live",) if days else ("live", "disconnected"):
        Connection.objects.filter(pk=made.pk).update(state=state)
    Connection.objects.filter(pk=made.pk).update(
        trouble=trouble, expires_at=ends if days else None, proven_at=ends - timedelta(days=60)
    )
    return made


def outlook(name: str, within: bool = True) -> str:
    browser = factories.signed_in(factories.person(name))
    headers = {"HX-Request": "true"} if within else {}
    return browser.get(reverse("outlook"), headers=headers).content.decode()


def test_many_single_administrators_are_one_line_and_lead_to_the_list_of_just_these():
    gina = factories.person("gina", "social_lead")
    alone = [one_administrator(factories.channel(owner=gina, name=f"Alone {n}")) for n in range(5)]
    two = one_administrator(one_administrator(factories.channel(owner=gina, name="Two of them")), "bob")
    others = one_administrator(factories.channel(owner=factories.erin(), name="Not hers"))
    page = outlook("gina")
    assert "5 channels have a single administrator" in page and "Alone" not in page
    assert "/channels/?admins=one&amp;whose=mine" in page
    listed = factories.signed_in(gina).get("/channels/?admins=one&whose=mine").context["page"]
    assert list(listed.channels) == alone and listed.total == 5
    everywhere = factories.signed_in(gina).get("/channels/?admins=one").context["page"].channels
    assert others in everywhere and two not in everywhere


def test_the_outlook_itself_still_shows_each_of_them():
    gina = factories.person("gina")
    for n in range(5):
        one_administrator(factories.channel(owner=gina, name=f"Alone {n}"))
    page = outlook("gina", within=False)
    assert "5 channels have a single administrator" in page and all(f"Alone {n}" in page for n in range(5))


def test_a_dead_connection_and_a_clock_stand_above_the_folded():
    gina = factories.person("gina")
    for n in range(5):
        one_administrator(factories.channel(owner=gina, name=f"Alone {n}"))
    connection(factories.channel(owner=gina, name="Ending"), days=6)
    connection(factories.channel(owner=gina, name="Dead"))
    page = outlook("gina")
    assert page.index("Dead is disconnected") < page.index("Ending: the token ends") < page.index("5 channels have")


def test_charlie_is_told_of_nobodys_channels():
    one_administrator(factories.channel(name="Alone"))
    assert "Alone" not in outlook("charlie") and "Nothing is broken" in outlook("charlie")


def test_a_connection_that_ends_or_is_dead_names_the_posts_that_fail_with_it():
    gina, alice, bob, dana = (factories.person(name) for name in ("gina", "alice", "bob", "dana"))
    ending, dead, quiet = (factories.channel(owner=gina, name=name) for name in ("Ending", "Dead", "Quiet"))
    for channel, days in ((ending, 6), (dead, None), (quiet, 6)):
        steps.staffed(channel)
        connection(channel, days)
    for days in (2, 7, 8):
        steps.plan(steps.agree(steps.write(alice, [ending], f"Day {days}"), alice, bob), dana, steps.tomorrow(9, days))
    steps.plan(steps.agree(steps.write(alice, [dead]), alice, bob), dana)
    page = outlook("gina")
    first = (timezone.now() + timedelta(days=7)).strftime("%a %-d %b, 09:00 UTC")
    assert f"2 scheduled posts will fail, the first on {first}." in page
    assert "1 scheduled post will fail on" in page
    assert page.count("will fail") == 2  # nothing is said of the channel on which nothing is scheduled
