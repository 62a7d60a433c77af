"""What a hold cannot stop is done by hand; what it held is decided one by one, by people."""

from datetime import timedelta

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import DatabaseError
from django.utils import timezone

from publishing import holding
from publishing.models import HoldDecision, HoldTask, Publication
from tests import factories
from tests.publishing.steps import MOST_QUERIES, agree, events, page, plan, tomorrow, write


@pytest.fixture
def hold(publication, gina):
    """Lifted; the publication fell due meanwhile and lies held, its time ahead again."""
    hold = holding.lift(holding.place(gina, "Outage"), gina)
    Publication.objects.filter(pk=publication.pk).update(state="held")
    publication.refresh_from_db()
    return hold


def test_what_no_hold_stops_becomes_tasks(acme, second, gina):
    factories.grant(acme, factories.person("alice"), "holder", door="app", label="Buffer")
    tasks = holding.place(gina, "x").tasks.all()
    assert [(task.kind, task.text) for task in tasks] == [
        ("native", "Stop what is scheduled on Sandbox (2 channels) itself."),
        ("ads", "Pause ads and boosted posts on Sandbox (2 channels)."),
        ("app", "Stop what Buffer posts by itself."),
    ]
    assert "Acme" in holding.place(gina, "x", channel=acme).tasks.first().text


def test_a_task_is_ticked_off_with_what_was_seen(acme, gina, dana):
    hold = holding.place(gina, "x", channel=acme)
    task = holding.tick_off(hold.tasks.first(), dana, "Paused two ads; the manager shows none running.")
    assert task.done_by == dana
    assert events(hold)[-1].action == "hold.task_done"
    with pytest.raises(ValidationError, match="already"):
        holding.tick_off(task, gina, "again")


def test_a_task_needs_words_and_somebody_who_may(acme, gina, charlie, alice):
    task = holding.place(gina, "x", channel=acme).tasks.first()
    with pytest.raises(ValidationError, match="what you did"):
        holding.tick_off(task, gina, " ")
    for person in (charlie, alice):
        with pytest.raises(PermissionDenied):
            holding.tick_off(task, person, "done")
    assert not HoldTask.objects.exclude(done_at=None).exists()


def test_each_fate_is_written_down(hold, publication, dana):
    assert holding.decide(hold, publication, dana, "kept").fate == "kept"
    publication.refresh_from_db()
    assert publication.state == "scheduled"
    with pytest.raises(ValidationError, match="somebody has decided"):
        holding.decide(hold, publication, dana, "dropped")
    for fate, wall, state in (("moved", tomorrow(18), "scheduled"), ("dropped", None, "cancelled")):
        Publication.objects.filter(pk=publication.pk).update(state="held")
        holding.decide(hold, publication, dana, fate, wall)
        publication.refresh_from_db()
        assert publication.state == state
    assert list(hold.decisions.order_by("pk").values_list("fate", "by__name")) == [
        ("kept", "Dana"), ("moved", "Dana"), ("dropped", "Dana"),
    ]  # fmt: skip


def test_what_is_not_decided_stays_held(hold, publication, gina):
    """Neither the lifting nor the page lets it out."""
    page(factories.signed_in(gina), f"/holds/{hold.pk}/triage/")
    publication.refresh_from_db()
    assert publication.state == "held"


def test_charlie_decides_nothing(hold, publication, charlie):
    for fate in ("kept", "moved", "dropped"):
        with pytest.raises(PermissionDenied):
            holding.decide(hold, publication, charlie, fate, tomorrow(18))
    assert not HoldDecision.objects.exists()


def test_a_decision_stays_as_it_was_made(hold, publication, dana):
    holding.decide(hold, publication, dana, "kept")
    with pytest.raises(DatabaseError, match="append-only"):
        HoldDecision.objects.update(fate="dropped")


def test_those_chosen_are_moved_to_the_same_time_of_another_day(hold, publication, acme, alice, bob, dana):
    other = plan(agree(write(alice, [acme], title="Other"), alice, bob), dana, tomorrow(10))
    Publication.objects.update(state="held")
    day = (timezone.now() + timedelta(days=5)).date()
    chosen = {"decision": "moved", "chosen": [publication.pk, other.pk], "day": day.isoformat()}
    answer = factories.signed_in(dana).post(f"/holds/{hold.pk}/triage/", chosen, follow=True)
    assert "2 moved." in answer.content.decode()
    assert "2 of 2 decided" in answer.content.decode()
    moved = Publication.objects.order_by("due_at")
    assert [(p.due_at.date(), p.due_at.hour) for p in moved] == [(day, 9), (day, 10)]


def test_what_cannot_be_kept_is_named_and_the_rest_is_done(hold, publication, acme, alice, bob, dana):
    late = plan(agree(write(alice, [acme], title="Too late"), alice, bob), dana)
    Publication.objects.update(state="held")
    Publication.objects.filter(pk=late.pk).update(due_at=timezone.now())
    chosen = {"decision": "kept", "chosen": [publication.pk, late.pk]}
    said = factories.signed_in(dana).post(f"/holds/{hold.pk}/triage/", chosen, follow=True).content.decode()
    assert "1 kept." in said
    assert "“Too late”: Its time has passed" in said


@pytest.mark.parametrize(
    ("sent", "words"),
    [
        ({"decision": "kept"}, "Choose at least one"),
        ({"decision": "burnt"}, "keep, move or drop"),
        ({"decision": "moved", "chosen": "all"}, "Choose the day"),
    ],
)
def test_what_is_missing_is_said(hold, publication, dana, sent, words):
    sent = {name: publication.pk if value == "all" else value for name, value in sent.items()}
    answer = factories.signed_in(dana).post(f"/holds/{hold.pk}/triage/", sent)
    assert answer.status_code == 422
    assert words in answer.content.decode()


def test_one_row_is_decided_by_its_own_button(hold, publication, dana):
    factories.signed_in(dana).post(f"/holds/{hold.pk}/triage/", {"decision": f"dropped:{publication.pk}"})
    publication.refresh_from_db()
    assert publication.state == "cancelled"


def test_charlie_sees_it_without_buttons_and_nora_not_at_all(hold, publication, charlie):
    said = page(factories.signed_in(charlie), f"/holds/{hold.pk}/triage/")
    assert "another publisher decides" in said
    assert 'value="kept:' not in said
    assert "Winter rates" not in page(factories.signed_in(factories.person("nora")), f"/holds/{hold.pk}/triage/")


def test_the_preview_says_what_stops_and_what_does_not(publication, gina):
    said = page(factories.signed_in(gina), "/holds/new/?scope=network:sandbox")
    assert "1 scheduled post</b> on 1 channel, <b>0 in flight" in said
    assert "Pause ads" in said


def test_a_tick_without_words_is_refused_beside_its_field(acme, gina):
    hold = holding.place(gina, "x", channel=acme)
    client, task = factories.signed_in(gina), hold.tasks.first()
    assert client.post(f"/holds/tasks/{task.pk}/", {"note": ""}).status_code == 422
    assert client.post(f"/holds/tasks/{task.pk}/", {"note": "Paused."}).status_code == 302
    assert "1 of 2 to do" in page(client, f"/holds/{hold.pk}/lifting/")


def test_the_pages_ask_little(hold, publication, dana, gina, django_assert_max_num_queries):
    for person in (dana, gina):
        client = factories.signed_in(person)
        for path in (f"/holds/{hold.pk}/triage/", f"/holds/{hold.pk}/lifting/"):
            page(client, path)
            with django_assert_max_num_queries(MOST_QUERIES):
                page(client, path)
    with django_assert_max_num_queries(MOST_QUERIES):
        page(client, "/holds/new/?scope=everything")
