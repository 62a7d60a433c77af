"""Posts that repeat: a rule in wall time that is agreed to, and a publication for each of its times."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
import tzdata
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import DatabaseError

from accounts.models import Notification
from channels_registry import access
from channels_registry.networks.sandbox import Sandbox
from publishing import approving, drafting, queries, repeating, retiming, scheduling, silencing, submitting
from publishing.delivering import LANE, OVERTAKEN
from publishing.models import Approval, Publication, Recurrence
from publishing.queries import repeats
from socialops.lib import wall_clock
from tests import factories
from tests.publishing.steps import (
    MOST_QUERIES,
    at_once,
    came_late,
    connect,
    events,
    page,
    plan,
    published,
    staffed,
    tomorrow,
    trail,
    write,
)

PARIS, RULE = "Europe/Paris", "FREQ=DAILY;COUNT=100"
START = datetime(2027, 1, 31, 2, 30)


def agree_to(post, bob) -> Approval:
    """bob agrees to what is asked about the post."""
    approval = post.approvals.get(state="pending")
    approving.approve(approval, bob, approval.revision.hash)
    return approval


@pytest.fixture
def variant(approved):
    return approved.variants.get()


@pytest.fixture
def asked(variant, dana):
    return repeating.repeat(variant, RULE, tomorrow(9), PARIS, dana)


@pytest.fixture
def daily(asked, approved, bob):
    agree_to(approved, bob)
    repeating.expand_due()
    asked.refresh_from_db()
    return asked


def planned(recurrence) -> list[Publication]:
    return list(repeating.occurrences_of(recurrence).exclude(state="cancelled"))


def test_nothing_is_planned_before_somebody_agreed_to_the_rule_which_they_are_shown(asked, approved, bob, dana):
    assert repeating.expand_due() == 0
    assert trail(asked) == ["recurrence.made"]
    approval = approved.approvals.get(state="pending")
    html = page(factories.signed_in(bob), f"/approvals/{approval.pk}/")
    assert "It goes out more than once." in html
    assert f"Every day at 09:00 ({PARIS}), 100 times" in html
    last = repeats.instants(asked)[-1]
    assert approval.window_from < approval.wanted_at < last < approval.window_until
    agree_to(approved, bob)
    assert repeating.expand_due() == len(planned(asked)) > 80


def test_ninety_days_of_it_are_planned_at_one_wall_time_under_what_was_agreed(daily, dana):
    local = [one.due_at.astimezone(ZoneInfo(PARIS)) for one in planned(daily)]
    assert {at.time() for at in local} == {time(9)}
    days = [at.date() for at in local]
    assert days == [days[0] + timedelta(days=n) for n in range(len(days))]
    assert {(one.answerable, one.approval_id) for one in planned(daily)} == {(dana, daily.under_id)}
    assert trail(planned(daily)[0]) == ["publication.scheduled"]
    assert events(planned(daily)[0])[0].data["occurrence"] == f"{tomorrow(9):%Y-%m-%dT%H:%M}"
    Recurrence.objects.update(looked_at=None)
    assert repeating.expand_due() == 0


@pytest.mark.parametrize("remit", ["brand", "legal"])
def test_who_agreed_to_it_once_without_regard_to_time_has_not_agreed_to_it_again_and_again(
    post, alice, bob, dana, remit
):
    first = submitting.submit(post, alice, bob, remit)
    approving.approve(first, bob, first.revision.hash)
    path = f"/variants/{post.variants.get().pk}/repetition/"
    assert "Who agreed before is asked again" in page(factories.signed_in(dana), path)
    asked = repeating.repeat(post.variants.get(), RULE, tomorrow(9), PARIS, dana)
    assert (repeating.expand_due(), post.approvals.latest("id").state) == (0, "pending")
    agree_to(post, bob)
    assert repeating.expand_due() == len(planned(asked)) > 80


def test_the_database_plans_none_that_nobody_agreed_to(daily):
    one = planned(daily)[0]
    Approval.objects.filter(pk=one.approval_id).update(repeats={})
    one.pk, one.key, one.occurrence, one._state.adding = None, "0" * 32, "2030-01-01T09:00", True
    with pytest.raises(DatabaseError, match="nobody agreed"):
        one.save()


def test_what_lies_outside_the_agreed_window_is_not_planned_and_says_so(acme, alice, bob, dana):
    post = write(alice, [acme])
    made = repeating.repeat(post.variants.get(), RULE, tomorrow(9), PARIS, dana)
    window = (tomorrow(0).replace(tzinfo=UTC), tomorrow(0, days=7).replace(tzinfo=UTC))
    submitting.submit(post, alice, bob, "facts", tomorrow(10).replace(tzinfo=UTC), window=window)
    agree_to(post, bob)
    assert repeating.expand_due() == len(planned(made)) == 5
    turns = repeating.turns(Recurrence.objects.select_related("variant__post", "variant__channel").get())
    assert [bool(turn.publication) for turn in turns[:6]] == [True] * 5 + [False]
    assert "It was approved for" in turns[5].words


def test_a_post_is_asked_about_with_its_rule_from_the_start(acme, alice, bob, dana):
    post = write(alice, [acme])
    variant = post.variants.get()
    path = f"/variants/{variant.pk}/repetition/"
    assert f'href="{path}"' in page(factories.signed_in(dana), f"/posts/{post.pk}/approval/")
    made = repeating.repeat(variant, "FREQ=WEEKLY;COUNT=4", tomorrow(9), PARIS, dana)
    submitting.submit(post, alice, bob, "facts")
    agree_to(post, bob)
    repeating.expand_due()
    assert len(planned(made)) == 4


def test_a_change_of_the_text_takes_all_back_and_the_next_approval_brings_them_again(daily, approved, alice, bob):
    before = len(planned(daily))
    skipped = planned(daily)[3]
    scheduling.cancel(skipped, factories.person("dana"))
    approved.refresh_from_db()
    drafting.edit_post(approved, alice, text="Other words.", expected_revision=approved.revision_number)
    assert planned(daily) == []
    assert repeating.expand_due() == 0
    approved.refresh_from_db()
    submitting.submit(approved, alice, bob, "facts")
    agree_to(approved, bob)
    assert repeating.expand_due() == before - 1
    assert {one.text for one in planned(daily)} == {"Other words."}
    assert skipped.occurrence not in {one.occurrence for one in planned(daily)}


def test_one_is_moved_by_itself_and_one_that_is_skipped_stays_away(daily, dana):
    first, second, third = planned(daily)[:3]
    scheduling.reschedule(first, tomorrow(15), "UTC", dana)
    scheduling.cancel(second, dana)
    Recurrence.objects.update(looked_at=None)
    assert repeating.expand_due() == 0
    first.refresh_from_db()
    assert (first.due_at.hour, first.occurrence) == (15, f"{tomorrow(9):%Y-%m-%dT%H:%M}")
    html = page(factories.signed_in(dana), f"/variants/{daily.variant_id}/repetition/")
    assert html.count("Skipped.") == 1
    assert Publication.objects.get(pk=third.pk).due_at == third.due_at


def test_one_that_is_out_although_it_was_cancelled_stops_no_other(daily, dana):
    first, *others = planned(daily)
    scheduling.cancel(first, dana)
    came_late(first)
    (overtaken,) = (refusal.when for refusal in LANE.refusals if refusal.reason == OVERTAKEN)
    assert not Publication.objects.filter(overtaken, pk__in=[each.pk for each in others]).exists()
    Publication.objects.filter(pk=others[0].pk).update(occurrence=first.occurrence)
    assert list(Publication.objects.filter(overtaken, state="scheduled")) == [others[0]]


def test_what_is_out_stays_out_and_is_never_made_again(daily):
    first, second = planned(daily)[:2]
    published(first, "one")
    published(second, "two")
    Recurrence.objects.update(looked_at=None)
    assert repeating.expand_due() == 0


def test_ended_it_takes_back_what_waits_and_leaves_room(daily, approved, dana):
    out, *waiting = planned(daily)
    published(out)
    assert len(repeating.end(daily, dana)) == len(waiting)
    assert planned(daily) == [out]
    assert repeating.expand_due() == 0
    assert trail(daily)[-1] == "recurrence.ended"
    with pytest.raises(ValidationError, match="already"):
        repeating.end(daily, dana)
    assert plan(approved, dana).state == "scheduled"


def test_another_rule_holds_from_now_on_and_is_asked_about(daily, approved, bob, dana):
    out = published(planned(daily)[0])
    other = repeating.change(daily, "FREQ=WEEKLY;COUNT=3", tomorrow(18), PARIS, dana)
    assert planned(daily) == [out]
    agree_to(approved, bob)
    repeating.expand_due()
    assert [one.occurrence[-5:] for one in planned(other)] == ["09:00", "18:00", "18:00", "18:00"]


def test_nothing_is_planned_while_its_person_may_not_publish_until_somebody_takes_it_over(
    asked, approved, bob, dana, django_assert_num_queries
):
    agree_to(approved, bob)
    with pytest.raises(ValidationError, match="still answers"):
        repeating.adopt(asked, dana)
    factories.departed(dana)
    assert repeating.expand_due() == 0
    with django_assert_num_queries(2):
        repeating.expand_due()  # and it is not looked at again at every tick
    other = factories.person("olga")
    factories.grant(asked.variant.channel, other, "publisher")
    repeating.adopt(asked, other)
    assert repeating.expand_due() > 80
    assert {one.answerable for one in planned(asked)} == {other}
    assert trail(asked)[-1] == "recurrence.adopted"


def test_who_lost_only_the_right_is_told_once_and_who_may_publish_there_sees_it(daily, acme, dana, charlie):
    def looked() -> list[str]:
        Recurrence.objects.update(looked_at=None)
        repeating.expand_due()
        return list(Notification.objects.filter(person=dana, kind="recurrence.stalled").values_list("text", flat=True))

    olga = factories.person("olga")
    factories.grant(acme, olga, "publisher")
    access.revoke(acme.grants.get(person=dana), factories.erin(), "moved")
    assert (
        looked() == looked() == ["“Winter rates” repeats on Acme, where you may not publish any more. It stands still."]
    )
    assert trail(daily).count("recurrence.stalled") == 1
    client = {person: factories.signed_in(person) for person in (olga, charlie, dana)}
    for path in ("/", "/publications/"):
        shown = page(client[olga], path)
        assert "repeats no further" in shown and f"/variants/{daily.variant_id}/repetition/" in shown
        assert not any("repeats no further" in page(client[person], path) for person in (charlie, dana))
    factories.grant(acme, dana, "publisher")
    looked()
    assert "repeats no further" not in page(client[olga], "/publications/"), "the right is back"
    access.revoke(acme.grants.get(person=dana, revoked_at=None), factories.erin(), "moved again")
    Notification.objects.all().update(read_at=queries.now())
    assert len(looked()) == 2, "another time, so it is said again"
    repeating.adopt(daily, olga)
    assert Recurrence.objects.get().stalled_at is None and "repeats no further" not in page(client[olga], "/")


def test_whoever_takes_it_over_answers_for_what_was_planned_too(daily, dana):
    factories.departed(dana)
    other = factories.person("olga")
    factories.grant(daily.variant.channel, other, "publisher")
    repeating.adopt(daily, other)
    assert {one.answerable for one in planned(daily)} == {other}


def test_charlie_repeats_nothing_and_ends_changes_and_takes_over_nothing(daily, variant, charlie):
    for verb in (
        lambda: repeating.repeat(variant, RULE, tomorrow(9), "UTC", charlie),
        lambda: repeating.end(daily, charlie),
        lambda: repeating.change(daily, RULE, tomorrow(9), "UTC", charlie),
        lambda: repeating.adopt(daily, charlie),
    ):
        with pytest.raises(PermissionDenied):
            verb()
    assert factories.signed_in(charlie).get(f"/variants/{variant.pk}/repetition/").status_code == 403


def test_a_blackout_leaves_a_gap_that_is_filled_when_it_is_taken_back(asked, approved, bob, gina):
    now = datetime.now(UTC)
    blackout = silencing.declare_blackout(gina, now + timedelta(days=5), now + timedelta(days=8), "Quiet")
    agree_to(approved, bob)
    made = repeating.expand_due()
    silencing.end_blackout(blackout, gina)
    Recurrence.objects.update(looked_at=None)
    assert repeating.expand_due() == 3
    assert made + 3 == len(planned(asked))


def test_a_zone_that_changes_its_rules_moves_them_all(daily):
    rows = Publication.objects.filter(variant=daily.variant)
    for one in planned(daily)[:2]:
        rows.filter(pk=one.pk).update(tzdata="2019a", due_at=one.due_at + timedelta(hours=1))
    assert len(retiming.retime()) == 2
    assert {one.due_at.astimezone(ZoneInfo(PARIS)).time() for one in planned(daily)} == {time(9)}
    assert {one.tzdata for one in planned(daily)} == {tzdata.IANA_VERSION}


def test_a_post_does_not_repeat_beside_a_single_time_or_another_rule(variant, asked, acme, alice, bob, dana):
    with pytest.raises(ValidationError, match="already"):
        approved_again = asked.variant.post
        agree_to(approved_again, bob)
        repeating.repeat(variant, RULE, tomorrow(9), "UTC", dana)
    with pytest.raises(ValidationError, match="It repeats on this channel"):
        scheduling.schedule(variant, tomorrow(9), "UTC", dana)


def test_it_does_not_take_back_what_is_scheduled_or_asked(publication, approval_of_another, dana):
    with pytest.raises(ValidationError, match="It is scheduled on Acme"):
        repeating.repeat(publication.variant, RULE, tomorrow(9), "UTC", dana)
    with pytest.raises(ValidationError, match="Somebody is asked"):
        repeating.repeat(approval_of_another.post.variants.get(), RULE, tomorrow(9), "UTC", dana)


@pytest.fixture
def approval_of_another(acme, alice, bob):
    return submitting.submit(write(alice, [acme], title="Another"), alice, bob, "facts")


BENT = [
    "", "every day", "FREQ=HOURLY;COUNT=3", "FREQ=DAILY;BYHOUR=1,2;COUNT=3", "FREQ=DAILY;INTERVAL=0;COUNT=3",
    "FREQ=DAILY;COUNT=367", "FREQ=DAILY;UNTIL=never", "FREQ=WEEKLY;BYDAY=XX;COUNT=3", "FREQ=DAILY;COUNT=-1",
    "FREQ=DAILY",
    "FREQ=DAILY;COUNT=3;UNTIL=20270201T235959", "FREQ=DAILY;UNTIL=20270101T235959", "FREQ=DAILY;UNTIL=20271399T235959",
    "FREQ=MONTHLY;BYMONTHDAY=31;COUNT=3", "FREQ=MONTHLY;INTERVAL=12;COUNT=9", "COUNT=3", "FREQ=DAILY\nCOUNT=3",
]  # fmt: skip


@pytest.mark.parametrize("rule", BENT)
def test_a_bent_rule_is_refused_in_words(rule):
    with pytest.raises(ValidationError):
        repeats.checked(rule, START)


KEPT = [
    ("FREQ=DAILY;COUNT=3", [date(2027, 1, 31), date(2027, 2, 1), date(2027, 2, 2)], "Every day at 02:30 (UTC), 3"),
    ("FREQ=MONTHLY;COUNT=3", [date(2027, 1, 31), date(2027, 3, 31), date(2027, 5, 31)], "Every month on day 31 at"),
    (
        "FREQ=MONTHLY;BYMONTHDAY=-1;COUNT=3", [date(2027, 1, 31), date(2027, 2, 28), date(2027, 3, 31)],
        "Every month on its last day at",
    ),
    (
        "FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,TH;UNTIL=20270220T235959", [date(2027, 2, 8), date(2027, 2, 11)],
        "Every 2 weeks on Monday and Thursday at 02:30 (UTC), until 20 February 2027",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "days", "words"), KEPT)
def test_a_rule_gives_these_days_and_these_words(rule, days, words):
    assert [wall.date() for wall in repeats.checked(rule, START)] == days
    assert repeats.in_words(rule, START, "UTC").startswith(words)


def test_a_month_without_a_29th_of_february_is_left_out():
    days = [wall.date() for wall in repeats.checked("FREQ=MONTHLY;COUNT=14", datetime(2028, 1, 29, 9))]
    assert date(2028, 2, 29) in days
    assert date(2029, 2, 28) not in days
    assert date(2029, 3, 29) in days


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/Santiago", "Australia/Lord_Howe", "Africa/Casablanca"])
def test_wall_times_hold_through_every_change_of_clocks(zone):
    """The wall's time each day, moved by the gap on a day that lacks it; the first of two where it comes twice."""
    for year in (2027, 2029, 2031):
        daily = Recurrence(rule="FREQ=DAILY;COUNT=366", starts=datetime(year, 1, 1, 2, 30, tzinfo=UTC), time_zone=zone)
        moved = 0
        for wall, at in zip(repeats.walls(daily), repeats.instants(daily), strict=True):
            local, reading = at.astimezone(ZoneInfo(zone)), wall_clock.read(wall, zone)
            assert wall.time() == time(2, 30)
            assert local.replace(tzinfo=None, fold=0) - wall == reading.skipped
            assert local.fold == 0
            moved += bool(reading.skipped)
        assert moved <= 2


def test_it_repeats_from_its_page_changes_and_ends_there(variant, approved, bob, dana, monkeypatch):
    client, path = factories.signed_in(dana), f"/variants/{variant.pk}/repetition/"
    connect(variant.channel)
    sent = {"starts": f"{tomorrow(9):%Y-%m-%dT%H:%M}", "time_zone": "UTC", "often": "WEEKLY", "interval": "1"}
    wrong = {"starts": "2020-01-01T09:00", "times": "400", "interval": "0", "often": "HOURLY", "until": "2020-01-01"}
    for field, value in wrong.items():
        answer = client.post(path, {**sent, "times": "" if field == "until" else "4", field: value})
        assert (answer.status_code, list(answer.context["form"].errors)) == (422, [field])
    assert client.post(path, sent).status_code == 422  # without an end
    assert client.post(path, {**sent, "days": ["MO", "TH"], "times": "4"}).url == path
    html = page(client, path)
    assert "nobody has agreed to this rule yet" in html
    assert f'value="{sent["starts"]}"' in html  # the rule as it is, to be changed
    agree_to(approved, bob)
    repeating.expand_due()
    monkeypatch.setattr(Sandbox, "same_again", "It says “duplicate”.")
    html = page(client, path)
    assert "Every week on Monday and Thursday at 09:00 (UTC), 4 times" in html
    assert html.count('class="tag sched"') + html.count(">Scheduled<") >= 4
    assert "refuses a text that it has had before" in html
    day = planned(Recurrence.objects.get())[0].due_at
    assert "Repeats" in page(client, f"/calendar/?view=list&from={day:%Y-%m-%d}")
    assert "4 that waited are cancelled" in client.post(f"{path}ending/", follow=True).content.decode()
    assert "It does not repeat" in client.post(f"{path}ending/", follow=True).content.decode()


def test_one_that_cannot_be_read_costs_the_others_nothing(asked, approved, bob, acme, alice, dana):
    agree_to(approved, bob)
    Recurrence.objects.update(rule="FREQ=YEARLY;COUNT=2")
    other = write(alice, [acme], title="Another")
    sound = repeating.repeat(other.variants.get(), "FREQ=WEEKLY;COUNT=3", tomorrow(9), PARIS, dana)
    submitting.submit(other, alice, bob, "facts")
    agree_to(other, bob)
    Approval.objects.filter(post=approved).update(repeats={str(asked.variant_id): repeats.said(asked)})
    asked.refresh_from_db()
    assert repeating.expand_due() == len(planned(sound)) == 3


def test_its_page_shows_what_is_ahead_however_much_of_it_is_over(daily, monkeypatch):
    later = queries.now() + timedelta(days=60)
    monkeypatch.setattr(queries, "now", lambda: later)
    shown = repeating.turns(daily, most=20)
    assert [turn.at > later for turn in shown] == [False] * 10 + [True] * 20
    assert all(turn.publication for turn in shown)


def test_its_page_costs_the_same_for_many_times(daily, dana, django_assert_max_num_queries):
    client, path = factories.signed_in(dana), f"/variants/{daily.variant_id}/repetition/"
    page(client, path)
    with django_assert_max_num_queries(MOST_QUERIES):
        page(client, path)


def test_two_tasks_at_once_plan_each_time_once(fresh_database):
    acme = staffed(factories.channel("sandbox", name="Acme"))
    alice, bob, dana = (factories.person(name) for name in ("alice", "bob", "dana"))
    post = write(alice, [acme])
    made = repeating.repeat(post.variants.get(), "FREQ=DAILY;COUNT=20", tomorrow(9), PARIS, dana)
    submitting.submit(post, alice, bob, "facts")
    agree_to(post, bob)
    assert sum(at_once(repeating.expand_due, repeating.expand_due, repeating.expand_due)) == 20
    assert len(planned(made)) == 20


def test_a_thread_repeats_whole_each_time_under_its_own_post(acme, alice, bob, dana):
    post = write(alice, [acme])
    variant = post.variants.get()
    drafting.edit_post(post, alice, threads={acme.pk: ["And more."]}, expected_revision=post.revision_number)
    made = repeating.repeat(variant, "FREQ=DAILY;COUNT=2", tomorrow(9), PARIS, dana)
    submitting.submit(post, alice, bob, "facts")
    agree_to(post, bob)
    assert repeating.expand_due() == 2
    followers = Publication.objects.filter(variant=variant, part=1).order_by("due_at")
    assert [each.follows for each in followers] == planned(made)
    scheduling.cancel(planned(made)[0], dana)
    assert [each.state for each in followers.all()] == ["cancelled", "scheduled"]
