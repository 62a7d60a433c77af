"""Blackouts and embargoes: who declares them, what they refuse, what they leave to people; and posts too close."""

from datetime import UTC, datetime, timedelta

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import IntegrityError, transaction
from django.utils import timezone

from publishing import holding, scheduling, silencing, storing
from publishing.models import Campaign, Embargo, Post, Publication
from publishing.queries import silences
from tests import factories, files
from tests.publishing.imports import checked, problems, table
from tests.publishing.steps import agree, page, plan, tomorrow, trail, write


def quiet(gina, start: int = 1, end: int = 3, **scope):
    now = timezone.now()
    return silencing.declare_blackout(
        gina, now + timedelta(days=start), now + timedelta(days=end), "Results day", **scope
    )


def test_scheduling_into_a_blackout_is_refused_with_the_reason_and_the_next_free_time(approved, dana, gina):
    blackout = quiet(gina)
    after = quiet(gina, 2, 5)  # the two make one silence
    with pytest.raises(ValidationError) as refused:
        plan(approved, dana)
    words = " ".join(refused.value.messages)
    assert "Results day" in words
    assert f"{after.ends_at.astimezone(UTC):%-d %B, %H:%M}" in words
    assert trail(blackout) == ["blackout.declared"]
    assert plan(approved, dana, tomorrow(9, days=6)).state == "scheduled"


@pytest.mark.parametrize("own", [True, False])
@pytest.mark.parametrize("scope", ["network", "channel", "campaign"])
def test_a_blackout_covers_its_scope_and_no_more(approved, dana, gina, acme, second, alice, scope, own):
    campaigns = [Campaign.objects.create(name=name, owner=alice) for name in ("Winter", "Summer")]
    Post.objects.filter(pk=approved.pk).update(campaign=campaigns[0])
    covered = {"network": "sandbox", "channel": acme, "campaign": campaigns[0]}
    beside = {"network": "bluesky", "channel": second, "campaign": campaigns[1]}
    quiet(gina, **{scope: (covered if own else beside)[scope]})
    if own:
        with pytest.raises(ValidationError, match="Results day"):
            plan(approved, dana)
    else:
        assert plan(approved, dana).state == "scheduled"


def test_what_was_planned_before_stays_and_is_listed(publication, gina, dana):
    blackout = quiet(gina)
    publication.refresh_from_db()
    assert publication.state == "scheduled"
    assert list(silences.inside(blackout)) == [publication]
    html = page(factories.signed_in(dana), f"/calendar/blackouts/{blackout.pk}/")
    assert "Winter rates" in html
    html = page(factories.signed_in(dana), f"/calendar/?from={publication.due_at:%Y-%m-%d}")
    assert "Blackout: Results day" in html


def test_a_move_into_a_blackout_is_refused_and_one_that_was_taken_back_refuses_nothing(publication, dana, gina):
    blackout = quiet(gina, 4, 6)
    with pytest.raises(ValidationError, match="Results day"):
        scheduling.reschedule(publication, tomorrow(9, days=5), "UTC", dana)
    silencing.end_blackout(blackout, gina)
    assert scheduling.reschedule(publication, tomorrow(9, days=5), "UTC", dana).state == "scheduled"
    assert trail(blackout)[-1] == "blackout.ended"


def test_charlie_declares_no_blackout_and_takes_none_back(charlie, gina, acme):
    with pytest.raises(PermissionDenied):
        quiet(charlie, channel=acme)
    with pytest.raises(PermissionDenied):
        silencing.end_blackout(quiet(gina), charlie)
    answer = factories.signed_in(charlie).post("/calendar/blackouts/", {"scope": "everything", "reason": "x"})
    assert answer.status_code == 403


def test_who_manages_a_channel_declares_one_there_and_nowhere_else(acme, second):
    olga = factories.person("olga")
    factories.grant(acme, olga, "manager")
    assert quiet(olga, channel=acme).channel == acme
    for scope in ({"channel": second}, {}):
        with pytest.raises(PermissionDenied):
            quiet(olga, **scope)


def test_a_blackout_is_declared_on_the_page(acme, gina):
    client = factories.signed_in(gina)
    day = tomorrow(0)
    sent = {"scope": f"channel:{acme.pk}", "starts_at": f"{day:%Y-%m-%dT%H:%M}", "reason": "Strike"}
    answer = client.post("/calendar/blackouts/", {**sent, "ends_at": f"{day - timedelta(days=1):%Y-%m-%dT%H:%M}"})
    assert answer.status_code == 422
    assert "end after it begins" in answer.content.decode()
    answer = client.post("/calendar/blackouts/", {**sent, "ends_at": f"{day + timedelta(days=1):%Y-%m-%dT%H:%M}"})
    assert answer.status_code == 302
    assert "Strike" in page(client, "/calendar/blackouts/")


@pytest.mark.parametrize("bent", [{"starts_at": "x"}, {"ends_at": ""}, {"reason": " "}, {"scope": "galaxy"}])
def test_a_bent_blackout_is_refused_beside_its_field(gina, acme, bent):
    sent = {"scope": "everything", "starts_at": "2027-01-01T00:00", "ends_at": "2027-01-02T00:00", "reason": "Why"}
    assert factories.signed_in(gina).post("/calendar/blackouts/", {**sent, **bent}).status_code == 422


def test_under_embargo_nothing_goes_out_before(publication, alice, dana):
    until = publication.due_at + timedelta(days=3)
    held = silencing.set_embargo(publication.variant.post, until, "The deal is signed", alice)
    assert held == [publication]
    publication.refresh_from_db()
    assert (publication.state, "deal is signed" in publication.reason) == ("held", True)
    with pytest.raises(ValidationError, match="embargo"):
        holding.keep(publication, dana)
    with pytest.raises(ValidationError, match="under embargo: The deal is signed"):
        scheduling.reschedule(publication, tomorrow(9, days=3), "UTC", dana)
    assert scheduling.reschedule(publication, tomorrow(12, days=6), "UTC", dana).state == "scheduled"
    assert "publication.held" in trail(publication)
    silencing.lift_embargo(publication.variant.post, alice)
    assert not Embargo.objects.exists()
    another = write(alice, [publication.channel], "Another post")
    silencing.set_embargo(another, tomorrow(12, days=9).replace(tzinfo=UTC), "Not this one", alice)
    scheduling.refuse_embargo(publication)


def test_a_row_of_a_file_is_refused_the_time_that_scheduling_would_refuse(post, alice, gina, acme):
    """In the same words, before anything is written."""
    columns = ("key", "channels", "text", "date and time")
    when = tomorrow(9, days=9).replace(tzinfo=UTC)
    silencing.set_embargo(post, when + timedelta(hours=1), "The deal is signed", alice)
    silencing.declare_blackout(gina, when + timedelta(hours=1), when + timedelta(days=1), "Results day", channel=acme)
    asked = (f"post-{post.pk}", "Acme", post.text)
    rows = [(*asked, f"{at:%Y-%m-%d %H:%M}") for at in (when, when + timedelta(days=2))]
    rows += [("new", "Acme", "Another text", f"{when + timedelta(hours=2):%Y-%m-%d %H:%M}")]
    made = [problems(checked(alice, table(row, columns=columns), zone="UTC")) for row in rows]
    free = f"The next free time is {when + timedelta(days=1):%-d %B, %H:%M} in UTC."
    assert made[0] == {2: {"at": f"This post is under embargo: The deal is signed. {free}"}}
    assert made[1] == {}
    assert made[2] == {2: {"at": f"Nothing is to go out then: Results day. {free}"}}


def test_a_row_of_a_file_does_not_outlive_the_rights_to_its_picture(alice, acme):
    ends = tomorrow(9, days=3).replace(tzinfo=UTC)
    storing.upload(alice, files.handed_in(files.jpeg()), title="Boots", expires_at=ends)
    columns = ("channels", "text", "date and time", "picture")
    rows = [("Acme", "Text", f"{ends + timedelta(hours=hours):%Y-%m-%d %H:%M}", "Boots") for hours in (-1, 1)]
    found = problems(checked(alice, table(*rows, columns=columns), zone="UTC"))
    assert list(found) == [3]
    assert found[3]["at"].startswith("The rights to “Boots” end on")


def test_the_database_refuses_a_time_under_embargo(publication, alice):
    silencing.set_embargo(publication.variant.post, publication.due_at - timedelta(hours=1), "Deal", alice)
    for change in ({"due_at": publication.due_at - timedelta(hours=2)}, {"due_at": datetime(2027, 1, 1, tzinfo=UTC)}):
        later = change["due_at"] > publication.due_at
        try:
            with transaction.atomic():
                Publication.objects.filter(pk=publication.pk).update(**change)
        except IntegrityError:
            assert not later
        else:
            assert later


def test_charlie_sets_no_embargo(post, charlie):
    with pytest.raises(PermissionDenied):
        silencing.set_embargo(post, timezone.now() + timedelta(days=1), "No", charlie)


def test_two_posts_within_ten_minutes_are_said_and_marked_and_not_refused(publication, alice, bob, dana, acme):
    other = agree(write(alice, [acme], "Another", title="Too close"), alice, bob)
    client = factories.signed_in(dana)
    sent = {"wall_time": f"{tomorrow(9) + timedelta(minutes=9):%Y-%m-%dT%H:%M}", "time_zone": "UTC"}
    answer = client.post(f"/variants/{other.variants.get().pk}/publication/", sent, follow=True)
    assert "Within ten minutes of it Acme has “Winter rates”." in answer.content.decode()
    html = page(client, f"/calendar/?view=list&from={publication.due_at:%Y-%m-%d}")
    assert html.count("Close to another") == 2
    moved = Publication.objects.get(variant__post=other)
    scheduling.reschedule(moved, tomorrow(9) + timedelta(minutes=10), "UTC", dana)
    assert "Close to another" not in page(client, f"/calendar/?view=list&from={publication.due_at:%Y-%m-%d}")
