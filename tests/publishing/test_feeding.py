"""The calendar by a private link, in other programs."""

from datetime import UTC, timedelta

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.test import Client
from django.utils import timezone
from icalendar import Calendar

from accounts.models import AuditEvent, Notification, User
from channels_registry.models import AccessGrant
from publishing import approving, feeding, scheduling
from publishing.models import CalendarFeed, Campaign, Post, Publication
from publishing.queries import feeds
from publishing.queries.calendar import Filters
from tests import factories
from tests.publishing.steps import agree, ask, page, plan, published, tomorrow, trail, write


@pytest.fixture
def link(publication, charlie):
    """charlie, who may only look, has the calendar on a phone."""
    return _link(charlie)


def _link(person, whole_text=False, **filters) -> str:
    factories.user(person)
    _, link = feeding.make_feed(person, "My phone", Filters(**filters), whole_text)
    return "/feeds/" + link.partition("/feeds/")[2]


def _events(link: str) -> list:
    answer = Client().get(link)
    assert answer.status_code == 200
    return Calendar.from_ical(answer.content).events


def test_the_link_is_not_kept_and_opens_what_is_planned(link, publication, charlie):
    feed = CalendarFeed.objects.get()
    assert link.split("/")[2] not in str(CalendarFeed.objects.values().get())
    (event,) = _events(link)
    assert event["SUMMARY"] == f"Winter rates · {publication.channel.name}"
    assert publication.due_at.astimezone(UTC) == event.DTSTART
    assert event["DTSTART"].to_ical().endswith(b"Z")
    assert event["URL"].endswith(f"/publications/{publication.pk}/")
    assert trail(feed) == ["feed.made"]


def test_an_administrator_ends_somebody_elses_link_from_their_page_and_they_are_told(link, charlie, bob):
    feed, erin = CalendarFeed.objects.get(), factories.erin()
    path = f"/people/{charlie.pk}/calendar-links/"
    assert factories.signed_in(bob).get(path).status_code == 204
    assert factories.signed_in(bob).post(f"/calendar/links/{feed.pk}/ending/").status_code == 404
    with pytest.raises(PermissionDenied):
        feeding.end_feed(feed, bob)
    admin = factories.signed_in(erin)
    assert "My phone" in page(admin, path) and link not in page(admin, path)
    assert path in page(admin, f"/people/{charlie.pk}/"), "the person's page loads it"
    assert admin.post(f"/calendar/links/{feed.pk}/ending/").url == f"/people/{charlie.pk}/"
    assert Client().get(link).status_code == 404
    assert "My phone" not in page(admin, path)
    event = AuditEvent.objects.get(action="feed.ended")
    assert (event.actor, event.data["person"]) == (erin, charlie.pk)
    told = Notification.objects.get(person=charlie)
    assert (told.text, told.by_mail) == ("Erin ended your private link to the calendar “My phone”.", True)


def test_the_text_is_left_out_unless_it_was_chosen(link, publication, charlie):
    assert b"instant transfers" not in Client().get(link).content
    (event,) = _events(_link(charlie, whole_text=True))
    assert "instant transfers cost 0.20 €" in event["DESCRIPTION"]


def test_a_moved_post_is_the_same_event_later_and_a_cancelled_one_is_gone(link, publication, dana):
    (before,) = _events(link)
    moved = scheduling.reschedule(publication, tomorrow(15, days=3), "UTC", dana)
    Post.objects.filter(pk=publication.variant.post_id).update(updated_at=moved.created_at + timedelta(minutes=1))
    (after,) = _events(link)
    assert (after["UID"], after.DTSTART) == (before["UID"], moved.due_at)
    assert after["SEQUENCE"] > before["SEQUENCE"]
    scheduling.cancel(moved, dana)
    assert _events(link) == []


def test_what_waits_for_approval_is_said_to_and_keeps_its_event_when_it_is_scheduled(acme, post, alice, bob, dana):
    link = _link(alice, whole_text=True)
    ask(post, alice, bob)
    (event,) = _events(link)
    assert event["SUMMARY"] == "Needs approval: Winter rates · Acme"
    assert event["STATUS"] == "TENTATIVE"
    assert "instant transfers" in event["DESCRIPTION"]
    asked = post.approvals.get()
    uid = event["UID"]

    approving.approve(asked, bob, asked.revision.hash)
    plan(post, dana)
    (event,) = _events(link)
    assert (event["UID"], event["STATUS"]) == (uid, "CONFIRMED")


@pytest.mark.parametrize("way", ["left", "lost the right", "login shut", "password", "ended", "channel lost"])
def test_a_link_that_is_over_answers_like_one_that_never_was(link, publication, charlie, way):
    unknown = Client().get("/feeds/never/socialops.ics")
    if way == "channel lost":
        link = _link(charlie, channel=publication.channel_id)
    assert Client().get(link).status_code == 200
    if way == "left":
        factories.departed(charlie)
    elif way in ("lost the right", "channel lost"):
        AccessGrant.objects.filter(person=charlie).update(revoked_at=timezone.now())
    elif way == "login shut":
        User.objects.filter(person=charlie).update(is_active=False)
    elif way == "password":
        factories.user(charlie, "another good password")
        assert not feeding.links_of(charlie)
    else:
        feeding.end_feed(CalendarFeed.objects.get(), charlie)
    answer = Client().get(link)
    assert (answer.status_code, answer.content) == (404, unknown.content) == (unknown.status_code, answer.content)


def test_it_shows_only_channels_that_its_person_still_sees(link, publication, second, alice, bob, dana, charlie):
    plan(agree(write(alice, [second], title="In France"), alice, bob), dana)
    assert len(_events(link)) == 2
    AccessGrant.objects.filter(person=charlie, channel=second).update(revoked_at=timezone.now())
    assert [event["SUMMARY"] for event in _events(link)] == ["Winter rates · Acme"]


@pytest.mark.parametrize(("filters", "shown"), [
    ({"tag": "rates"}, 1), ({"tag": "other"}, 0), ({"state": "scheduled"}, 1), ({"state": "approval"}, 0),
    ({"q": "winter"}, 1), ({"network": "bluesky"}, 0), ({"campaign": -1}, 0),
])  # fmt: skip
def test_it_is_narrowed_as_the_calendar_was(publication, charlie, filters, shown):
    Post.objects.filter(pk=publication.variant.post_id).update(tags=["rates"])
    assert len(_events(_link(charlie, **filters))) == shown


@pytest.mark.parametrize(("days", "shown"), [(-91, 0), (-89, 1), (364, 1), (366, 0)])
def test_its_window_is_bounded(link, publication, days, shown):
    Publication.objects.filter(pk=publication.pk).update(due_at=publication.created_at + timedelta(days=days))
    assert len(_events(link)) == shown


def test_so_is_its_size_and_the_nearest_are_kept(link, publication, alice, bob, dana, acme, monkeypatch):
    plan(agree(write(alice, [acme], title="Far"), alice, bob), dana, tomorrow(9, days=30))
    monkeypatch.setattr(feeds, "MOST", 1)
    assert [event["SUMMARY"] for event in _events(link)] == ["Winter rates · Acme"]


def test_unchanged_it_is_not_sent_again_and_nothing_between_keeps_it(link, publication, charlie):
    first = Client().get(link)
    assert first["Cache-Control"] == "private, no-cache"
    assert first["CDN-Cache-Control"] == "no-store"
    assert first["Referrer-Policy"] == "same-origin"
    for header in ({"If-None-Match": first["ETag"]}, {"If-Modified-Since": first["Last-Modified"]}):
        assert Client(headers=header).get(link).status_code == 304
    published(publication)
    again = Client(headers={"If-None-Match": first["ETag"]}).get(link)
    assert (again.status_code, again["ETag"] != first["ETag"]) == (200, True)
    assert CalendarFeed.objects.get().read_at


def test_who_reads_it_too_often_waits(link, monkeypatch):
    monkeypatch.setattr(feeding, "MOST_AN_HOUR", 2)
    assert [Client().get(link).status_code for _ in range(3)] == [200, 200, 429]
    CalendarFeed.objects.update(reads_since="2020-01-01T00:00Z")
    assert Client().get(link).status_code == 200


def test_it_is_made_and_ended_on_a_page_that_shows_it_once(publication, charlie, alice):
    client = factories.signed_in(charlie)
    campaign = Campaign.objects.create(name="Winter", owner=alice)
    path = f"/calendar/links/?channel={publication.channel_id}&campaign={campaign.pk}&tag=x"
    assert "Acme · Winter · tag x" in page(client, path)
    made = client.post(path, {"name": "My\r\nphone"}).content.decode()
    assert "/socialops.ics" in made
    assert "/socialops.ics" not in page(client, path)
    feed = CalendarFeed.objects.get()
    assert feed.name == "My phone", "a line of its own would be one of the calendar's"
    assert feed.filters == {"channel": publication.channel_id, "campaign": campaign.pk, "tag": "x"}
    client.post(f"/calendar/links/{feed.pk}/ending/")
    assert trail(feed) == ["feed.made", "feed.ended"]
    assert "No links yet" in page(client, "/calendar/links/")


def test_bad_input_and_too_many_are_refused_in_words(publication, charlie, monkeypatch):
    client = factories.signed_in(charlie)
    elsewhere = factories.channel("sandbox", handle="elsewhere")
    assert client.post("/calendar/links/", {"name": " "}).status_code == 422
    assert client.post("/calendar/links/", {"name": "x" * 81}).status_code == 422
    assert client.post(f"/calendar/links/?channel={elsewhere.pk}", {"name": "x"}).status_code == 422
    monkeypatch.setattr(feeding, "MOST_OF_ONE", 0)
    with pytest.raises(ValidationError, match="End one"):
        feeding.make_feed(charlie, "One more", Filters())


def test_nobody_ends_anothers_and_a_leaver_makes_none(link, dana, charlie):
    with pytest.raises(PermissionDenied):
        feeding.end_feed(CalendarFeed.objects.get(), dana)
    factories.departed(dana)
    with pytest.raises(PermissionDenied):
        feeding.make_feed(dana, "Mine", Filters())
