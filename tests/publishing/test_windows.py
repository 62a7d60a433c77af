"""The times between which what was agreed to may go out."""

from datetime import UTC, timedelta

import pytest
from django.core.exceptions import ValidationError
from django.db import DatabaseError, transaction
from django.utils import timezone

from publishing import approving, arranging, delegating, scheduling, submitting
from publishing.models import Approval, Ask, Post
from tests import factories
from tests.publishing.steps import approver, asked, page, plan, tomorrow, write


@pytest.fixture
def wanted():
    return tomorrow(9).replace(tzinfo=UTC)


@pytest.fixture
def timed(post, alice, bob, wanted):
    """Approved by bob for the day after tomorrow at nine."""
    approval = submitting.submit(post, alice, bob, "facts", wanted)
    approving.approve(approval, bob, approval.revision.hash)
    return Post.objects.get(pk=post.pk)


def test_by_default_from_an_hour_before_to_a_day_after(timed, wanted):
    approval = timed.approvals.get()
    assert (approval.window_from, approval.window_until) == (wanted - timedelta(hours=1), wanted + timedelta(days=1))


def test_at_any_time_where_none_is_wanted(post, alice, bob):
    approval = submitting.submit(post, alice, bob)
    assert (approval.window_from, approval.window_until) == (None, None)


def test_inside_it_is_scheduled_and_moved_without_asking(timed, dana):
    publication = plan(timed, dana)
    scheduling.reschedule(publication, tomorrow(20), "UTC", dana)
    assert timed.approvals.get().state == "approved"


@pytest.mark.parametrize(("hour", "days"), [(7, 2), (10, 3)])
def test_outside_is_refused_with_what_to_do(timed, dana, hour, days):
    with pytest.raises(ValidationError, match="ask again for this time") as refused:
        plan(timed, dana, tomorrow(hour, days))
    assert "wall_time" in refused.value.message_dict
    publication = plan(timed, dana)
    with pytest.raises(ValidationError, match="ask again for this time"):
        scheduling.reschedule(publication, tomorrow(hour, days), "UTC", dana)


def test_its_ends_belong_to_it(timed, wanted):
    approval = timed.approvals.get()
    for end in (approval.window_from, approval.window_until):
        scheduling.refuse_outside(approval, end, "UTC")


def test_who_decides_has_ten_minutes_to_spare_or_until_it_is_wanted(wanted):
    for ahead, latest in ((9, wanted), (10, wanted), (11, wanted - timedelta(minutes=10))):
        assert submitting._latest_decision(wanted, wanted - timedelta(minutes=ahead)) == latest


def test_now_is_a_time_as_well(timed, dana):
    with pytest.raises(ValidationError, match="It was approved for"):
        scheduling.publish_now(timed.variants.get(), dana)


def test_the_database_keeps_the_window(timed):
    with pytest.raises(DatabaseError, match="for one window"), transaction.atomic():
        Approval.objects.filter(post=timed).update(window_until=timezone.now() + timedelta(days=90))


@pytest.mark.parametrize(
    ("start", "end", "field"), [(3, 1, "latest"), (-3, -2, "latest"), (5, 9, "wanted_at"), (1, 1, "latest")]
)
def test_a_window_that_cannot_be_is_refused(post, alice, bob, start, end, field):
    now = timezone.now()
    ends = (now + timedelta(days=start), now + timedelta(days=end))
    with pytest.raises(ValidationError) as refused:
        submitting.submit(post, alice, bob, "facts", now + timedelta(days=2), window=ends)
    assert field in refused.value.message_dict


def test_asking_again_asks_only_whom_time_concerns(acme, alice, bob, post, wanted, dana):
    hana, gina = approver(acme, "hana"), factories.person("gina", "social_lead")
    workflow = arranging.create_workflow(gina, name="Both")
    arranging.change_step(workflow.steps.get(), gina, name="Facts", remit="facts", anyone=False, people=[bob])
    arranging.add_step(workflow, gina, name="Lawyers", remit="legal", people=[hana])
    first = submitting.submit(post, alice, wanted_at=wanted)
    for person in (bob, hana):
        approving.approve(first, person, first.revision.hash)
    publication = plan(post, dana)
    again = submitting.ask_again(post, alice, wanted + timedelta(days=7))
    publication.refresh_from_db()
    first.refresh_from_db()
    assert (publication.state, first.state) == ("cancelled", "void")
    assert asked(again) == [bob]
    approving.approve(again, bob, again.revision.hash)
    assert plan(post, dana, tomorrow(9, 9)).approval == again


def test_asking_again_asks_who_stands_in_now(acme, alice, bob, post, wanted):
    hana = approver(acme, "hana")
    submitting.submit(write(alice, [acme], "Another post"), alice, approver(acme, "ada"))
    approval = submitting.submit(post, alice, bob, "facts", wanted)
    first = Ask.objects.get(stage__approval=approval)
    delegating.add_place(first, hana, Ask.Why.BACKUP)
    Ask.objects.filter(pk=first.pk).update(ended_at=timezone.now())
    approving.approve(approval, hana, approval.revision.hash)
    assert asked(submitting.ask_again(post, alice, wanted + timedelta(days=7))) == [hana]


def test_what_was_agreed_to_for_one_time_is_not_taken_over_for_another(timed, alice, bob, wanted):
    again = submitting.ask_again(timed, alice, wanted + timedelta(days=7))
    assert asked(again) == [bob]


def test_by_pages(timed, alice, dana, wanted):
    sent = {"wall_time": "2027-01-20T09:00", "time_zone": "UTC"}
    html = factories.signed_in(dana).post(f"/variants/{timed.variants.get().pk}/publication/", sent).content.decode()
    assert "It was approved for" in html and f"/posts/{timed.pk}/approval/time/" in html
    writer = factories.signed_in(alice)
    assert "Facts is asked again" in page(writer, f"/posts/{timed.pk}/approval/time/")
    assert writer.post(f"/posts/{timed.pk}/approval/time/", sent).url == f"/posts/{timed.pk}/"
    assert Approval.objects.filter(post=timed).latest("id").wanted_at.year == 2027
    assert writer.post(f"/posts/{timed.pk}/approval/time/", {}).status_code == 422
