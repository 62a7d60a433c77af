"""What stands on every page: only what exists, only what this person may see, and what is held."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test import RequestFactory
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts import notifying
from publishing import drafting, holding, submitting
from socialops.frame import Frame
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def blue():
    channel = factories.channel("bluesky", name="Acme")
    factories.grant(channel, factories.person("alice"), "author")
    factories.grant(channel, factories.person("bob"), "approver")
    return channel


def frame_of(name: str, path: str = "/", *roles: str) -> Frame:
    request = RequestFactory().get(path)
    request.user = factories.user(factories.person(name, *roles))
    return Frame(request)


def places(frame: Frame) -> dict:
    return {place.name: place for section in frame.sections for place in section.places}


def test_the_rail_counts_what_waits_for_this_person_only(blue):
    post = drafting.create_post(factories.person("alice"), [blue], "Hello.")
    submitting.submit(post, factories.person("alice"), factories.person("bob"))
    assert places(frame_of("bob"))["approval_list"].count == 1
    assert places(frame_of("alice"))["approval_list"].count == 0


def test_governance_is_shown_to_those_who_control_and_to_nobody_else():
    assert "audit_list" in places(frame_of("frank", "/", "auditor"))
    assert "audit_list" not in places(frame_of("charlie"))


def test_the_rail_marks_where_one_is():
    current = [place.name for place in places(frame_of("alice", "/posts/new/")).values() if place.current]
    assert current == ["post_list"]


def test_unread_notifications_are_counted():
    notifying.notify(factories.person("alice"), "approval.asked", "Bob asks.", "/approvals/1/")
    assert frame_of("alice").unread == 1
    assert frame_of("bob").unread == 0


def test_a_hold_is_a_band_on_every_page(blue):
    gina = factories.person("gina", "social_lead")
    holding.place(gina, "A storm is coming.")
    html = factories.signed_in(factories.person("charlie")).get(reverse("person_list")).content.decode()
    assert "Everything is held." in html
    assert "A storm is coming." in html
    assert "Gina" in html


def test_the_frame_costs_two_queries(blue):
    frame = frame_of("erin")
    assert frame.person
    with CaptureQueriesContext(
        connection,
    ) as asked:
        assert frame.sections and frame.tabs and frame.roles
        assert frame.unread == 0 and frame.holds == []
    assert len(asked) == 2, [each["sql"] for each in asked]


def test_today_says_what_waits_with_the_shortest_clock_first(blue):
    alice, bob = factories.person("alice"), factories.person("bob")
    for title, hours in [("Later", 20), ("Sooner", 5)]:
        post = drafting.create_post(alice, [blue], f"{title}.", title)
        submitting.submit(post, alice, bob, wanted_at=timezone.now() + timedelta(hours=hours))
    html = factories.signed_in(bob).get("/").content.decode()
    assert "Two things wait for you." in html
    assert html.index("“Sooner”") < html.index("“Later”")


@pytest.mark.parametrize(
    ("hour", "words"), [(2, "Hello"), (9, "Good morning"), (14, "Good afternoon"), (20, "Good evening"), (23, "Hello")]
)
def test_today_greets_by_the_hour_on_the_readers_clock(hour, words):
    ahead = (hour - timezone.now().hour + 12) % 24 - 12
    alice = factories.person("alice", time_zone=f"Etc/GMT{-ahead:+d}")  # these names count westwards
    assert f"<h1>{words}, Alice." in factories.signed_in(alice).get("/").content.decode()


def test_today_of_somebody_without_any_right_is_empty_and_says_so(blue):
    html = factories.signed_in(factories.person("charlie")).get("/").content.decode()
    assert "Nothing waits for you." in html


def test_the_outlook_names_what_goes_out(blue):
    alice, bob = factories.person("alice"), factories.person("bob")
    post = drafting.create_post(alice, [blue], "Spring.", "Spring fair")
    submitting.submit(post, alice, bob, wanted_at=timezone.now() + timedelta(hours=5))
    assert "Spring fair" in factories.signed_in(alice).get(reverse("outlook")).content.decode()
    assert (
        "Spring fair" not in factories.signed_in(factories.person("charlie")).get(reverse("outlook")).content.decode()
    )
