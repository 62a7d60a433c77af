"""When it goes out, who answers for it, and what clocks do."""

from datetime import datetime, timedelta

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.utils import timezone

from publishing import drafting, queries, scheduling
from publishing.models import Publication
from tests import factories
from tests.publishing.steps import TEXT, agree, ask, came_late, plan, tomorrow, trail, write


def test_what_was_approved_is_frozen_with_its_time_and_its_person(publication, approved, dana, acme):
    approval = approved.approvals.get()
    assert (publication.state, publication.text, publication.channel) == ("scheduled", TEXT, acme)
    assert (publication.answerable, publication.approval) == (dana, approval)
    assert publication.content_hash == approval.revision.hash
    assert publication.not_after - publication.due_at == timedelta(hours=1)
    assert publication.next_attempt_at == publication.due_at
    assert publication.tzdata
    assert trail(publication) == ["publication.scheduled"]


@pytest.mark.parametrize("name", ["charlie", "alice", "bob"])
def test_who_may_not_publish_may_not_schedule(approved, name):
    with pytest.raises(PermissionDenied):
        plan(approved, factories.person(name))


def test_somebody_who_left_schedules_nothing(approved, dana):
    factories.departed(dana)
    with pytest.raises(PermissionDenied):
        plan(approved, dana)


def test_a_draft_is_not_scheduled(post, dana):
    with pytest.raises(ValidationError, match="not approved"):
        plan(post, dana)


def test_a_pending_post_is_not_scheduled(approval, dana):
    with pytest.raises(ValidationError, match="not approved"):
        plan(approval.post, dana)


def test_where_the_post_does_not_go_any_more_nothing_is_scheduled(acme, second, alice, bob, dana):
    post = write(alice, [acme, second])
    gone = post.variants.get(channel=acme)
    drafting.edit_post(post, alice, expected_revision=1, channels=[second])
    agree(post, alice, bob)
    with pytest.raises(ValidationError, match="does not go to that channel any more"):
        scheduling.schedule(gone, tomorrow(9), "UTC", dana)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"state": "archived"}, "is archived"),
        ({"state": "lost"}, "is lost"),
        ({"network": "gone"}, "cannot publish on"),
    ],
)
def test_where_nothing_can_go_out_nothing_is_scheduled(approved, acme, dana, change, words):
    type(acme).objects.filter(pk=acme.pk).update(**change)
    with pytest.raises(ValidationError, match=words):
        plan(approved, dana)


def test_the_past_is_refused_with_the_next_valid_time(approved, dana):
    with pytest.raises(ValidationError, match=r"This time has passed\. The next one is .* in UTC") as refused:
        plan(approved, dana, tomorrow(9, days=-1))
    assert "wall_time" in refused.value.message_dict


def test_a_wall_time_that_does_not_exist_moves_by_the_gap_and_says_so(approved, dana):
    """Berlin 2027-03-28 02:30 is 01:30 UTC, 03:30 there."""
    publication = scheduling.schedule(approved.variants.get(), datetime(2027, 3, 28, 2, 30), "Europe/Berlin", dana)
    assert publication.due_at == datetime(2027, 3, 28, 1, 30, tzinfo=timezone.get_fixed_timezone(0))
    assert "goes out at 03:30" in queries.clocks_told(publication)


@pytest.mark.parametrize(("fold", "hour", "which"), [(0, 0, "first"), (1, 1, "second")])
def test_a_wall_time_that_comes_twice_is_the_first_unless_the_second_is_chosen(approved, dana, fold, hour, which):
    variant = approved.variants.get()
    publication = scheduling.schedule(variant, datetime(2027, 10, 31, 2, 30), "Europe/Berlin", dana, fold)
    assert publication.due_at == datetime(2027, 10, 31, hour, 30, tzinfo=timezone.get_fixed_timezone(0))
    assert publication.fold == fold
    assert f"the {which} one" in queries.clocks_told(publication)


def test_an_ordinary_time_needs_no_words(publication):
    assert queries.clocks_told(publication) == ""


def test_a_zone_that_does_not_exist_is_refused(approved, dana):
    with pytest.raises(ValidationError, match="not a time zone"):
        scheduling.schedule(approved.variants.get(), tomorrow(9), "Mars/Base", dana)


def test_one_channel_is_scheduled_once(publication, approved, dana):
    with pytest.raises(ValidationError, match="already scheduled"):
        plan(approved, dana)


def test_publish_now_is_due_now(approved, dana):
    publication = scheduling.publish_now(approved.variants.get(), dana)
    assert abs((publication.due_at - timezone.now()).total_seconds()) < 10
    assert publication.next_attempt_at == publication.due_at


def test_charlie_may_not_publish_now(approved, charlie):
    with pytest.raises(PermissionDenied):
        scheduling.publish_now(approved.variants.get(), charlie)


def test_it_can_be_moved_and_who_moves_it_answers_for_it(publication, acme):
    gina = _publisher(acme, "gina")
    moved = scheduling.reschedule(publication, tomorrow(15), "UTC", gina)
    assert (moved.due_at.hour, moved.answerable, moved.key) == (15, gina, publication.key)
    assert trail(publication)[-1] == "publication.rescheduled"


@pytest.mark.parametrize("verb", ["reschedule", "cancel", "adopt"])
def test_charlie_may_not_touch_it(publication, charlie, verb):
    more = (tomorrow(15), "UTC") if verb == "reschedule" else ()
    with pytest.raises(PermissionDenied):
        getattr(scheduling, verb)(publication, *more, charlie)
    publication.refresh_from_db()
    assert publication.state == "scheduled"


def test_cancelling_takes_it_off(publication, dana):
    scheduling.cancel(publication, dana, "Not today")
    publication.refresh_from_db()
    assert (publication.state, publication.reason) == ("cancelled", "Not today")
    assert trail(publication)[-1] == "publication.cancelled"


@pytest.mark.parametrize("state", ["sending", "unknown", "needs_human"])
@pytest.mark.parametrize("verb", ["cancel", "reschedule", "adopt"])
def test_what_may_be_out_is_neither_cancelled_nor_moved(publication, dana, state, verb):
    _force(publication, state)
    more = (tomorrow(15), "UTC") if verb == "reschedule" else ()
    with pytest.raises(ValidationError, match="may already be out"):
        getattr(scheduling, verb)(publication, *more, dana)


def test_what_is_out_is_out(publication, dana):
    _force(publication, "done")
    for verb, more in (("cancel", ()), ("reschedule", (tomorrow(15), "UTC"))):
        with pytest.raises(ValidationError, match="already out"):
            getattr(scheduling, verb)(publication, *more, dana)


def test_an_edit_while_it_is_being_sent_leaves_it_to_its_end(publication, approved, alice):
    """What is on its way carries the words that were approved; the row stays in front of people."""
    _force(publication, "sending")
    drafting.edit_post(approved, alice, expected_revision=1, text="Other")
    publication.refresh_from_db()
    assert (publication.state, publication.text) == ("sending", TEXT)


def test_a_channel_where_it_may_be_out_stays_on_the_post(publication, approved, alice, second):
    _force(publication, "unknown")
    with pytest.raises(ValidationError, match="may be out"):
        drafting.edit_post(approved, alice, expected_revision=1, channels=[second])


@pytest.mark.parametrize("state", ["missed", "blocked", "failed"])
def test_what_came_to_nothing_gets_a_new_time(publication, dana, state):
    _force(publication, state)
    moved = scheduling.reschedule(publication, tomorrow(10, days=3), "UTC", dana)
    assert (moved.state, moved.reason) == ("scheduled", "")


@pytest.mark.parametrize("state", ["missed", "blocked", "failed"])
def test_or_is_scheduled_afresh_with_a_key_of_its_own(publication, approved, dana, state):
    _force(publication, state)
    again = plan(approved, dana)
    publication.refresh_from_db()
    assert publication.state == "cancelled" and "publication.cancelled" in trail(publication)
    assert again.key != publication.key


def test_the_new_words_are_not_sent_by_moving_the_old_publication(publication, approved, alice, bob, dana):
    """Taken back by the edit, so neither the old nor the new words go out by themselves."""
    drafting.edit_post(approved, alice, expected_revision=1, text="New words")
    agree(approved, alice, bob)
    with pytest.raises(ValidationError, match="was cancelled"):
        scheduling.reschedule(publication, tomorrow(12), "UTC", dana)
    assert plan(approved, dana).text == "New words"


def test_a_text_changed_without_approval_keeps_a_missed_one_from_moving(publication, approved, dana):
    from publishing.models import Post

    _force(publication, "missed")
    Post.objects.filter(pk=approved.pk).update(text="Slipped in")
    with pytest.raises(ValidationError, match="not what was approved"):
        scheduling.reschedule(publication, tomorrow(12), "UTC", dana)


def test_words_that_nobody_agreed_to_are_neither_moved_nor_taken_over(publication, dana, acme):
    erik = _publisher(acme, "erik")
    Publication.objects.update(content_hash="0" * 64)
    with pytest.raises(ValidationError, match="schedule the new text"):
        scheduling.reschedule(publication, tomorrow(15), "UTC", dana)
    factories.departed(dana)
    with pytest.raises(ValidationError, match="schedule the new text"):
        scheduling.adopt(publication, erik)


def test_somebody_takes_over_from_a_leaver_by_name(publication, dana, acme):
    gina = _publisher(acme, "gina")
    factories.departed(dana)
    _force(publication, "blocked")
    adopted = scheduling.adopt(publication, gina)
    assert (adopted.state, adopted.answerable) == ("scheduled", gina)
    assert trail(publication)[-1] == "publication.adopted"


def test_nobody_takes_over_from_somebody_who_still_answers(publication, acme):
    with pytest.raises(ValidationError, match="still answers"):
        scheduling.adopt(publication, _publisher(acme, "gina"))


def test_a_leaver_does_not_take_over(publication, dana):
    factories.departed(dana)
    with pytest.raises(PermissionDenied):
        scheduling.adopt(publication, dana)


def test_what_is_past_its_time_needs_a_new_one(publication, dana, acme):
    gina = _publisher(acme, "gina")
    factories.departed(dana)
    past = timezone.now() - timedelta(minutes=5)
    Publication.objects.filter(pk=publication.pk).update(due_at=past)
    with pytest.raises(ValidationError, match="new time"):
        scheduling.adopt(publication, gina)


@pytest.mark.parametrize("state", ["held", "blocked", "missed", "failed"])
def test_a_late_answer_stops_every_second_sending(publication, approved, dana, acme, state):
    gina = _publisher(acme, "gina")
    _force(publication, state)
    came_late(publication)
    factories.departed(dana)
    for again in (
        lambda: scheduling.reschedule(publication, tomorrow(12), "UTC", gina),
        lambda: scheduling.adopt(publication, gina),
        lambda: scheduling.cancel(publication, gina),
        lambda: plan(approved, gina),
        lambda: scheduling.publish_now(approved.variants.get(), gina),
    ):
        with pytest.raises(ValidationError, match="late answer"):
            again()
    publication.refresh_from_db()
    assert publication.state == state


def test_what_was_cancelled_before_its_answer_came_is_not_scheduled_again(publication, approved, dana):
    scheduling.cancel(publication, dana)
    came_late(publication)
    with pytest.raises(ValidationError, match="late answer"):
        plan(approved, dana)


def test_what_is_out_by_a_late_answer_keeps_its_place_when_the_post_changes(publication, approved, alice, bob, dana):
    """Taken back, it would make room for a second sending."""
    _force(publication, "blocked")
    came_late(publication)
    drafting.edit_post(approved, alice, expected_revision=1, text="New words")
    publication.refresh_from_db()
    assert publication.state == "blocked"
    with pytest.raises(ValidationError, match="may be out"):
        drafting.edit_post(approved, alice, expected_revision=2, channels=[])
    agree(approved, alice, bob)
    with pytest.raises(ValidationError, match="late answer"):
        plan(approved, dana)


def test_a_variant_of_another_post_does_not_ride_on_an_approval(approved, alice, dana, acme):
    other = write(alice, [acme], "Not approved")
    with pytest.raises(ValidationError, match="not approved"):
        plan(other, dana)


def test_a_channel_added_later_is_not_covered(approved, alice, dana, second):
    drafting.edit_post(approved, alice, expected_revision=1, channels=[*_channels(approved), second])
    with pytest.raises(ValidationError, match="not approved"):
        scheduling.schedule(approved.variants.get(channel=second), tomorrow(9), "UTC", dana)


def test_a_late_approval_sends_nothing(post, alice, bob):
    """Late never fires. Approving only approves; somebody gives a time."""
    from publishing import approving

    approval = ask(post, alice, bob)
    type(approval).objects.filter(pk=approval.pk).update(wanted_at=timezone.now() - timedelta(hours=1))
    approving.approve(approval, bob, approval.revision.hash)
    assert not Publication.objects.exists()


def _channels(post):
    return [v.channel for v in post.variants.all()]


def _publisher(channel, name):
    person = factories.person(name)
    factories.grant(channel, person, "publisher")
    return person


STEPS = {"failed": ["sending"], "unknown": ["sending"], "needs_human": ["sending", "unknown"], "done": ["sending"]}


def _force(publication, state):
    """The row as a worker would have left it."""
    for step in [*STEPS.get(state, []), state]:
        lease = timezone.now() + timedelta(minutes=2) if step == "sending" else None
        more = {"remote_id": "r1"} if step == "done" else {}
        Publication.objects.filter(pk=publication.pk).update(state=step, lease_until=lease, **more)
