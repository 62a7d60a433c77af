"""What is out is edited and taken down once, through the ledger; after a lost answer by looking."""

import pytest

from accounts.models import AuditEvent, Departure
from publishing import correcting
from publishing.models import Approval, Correction, CorrectionAttempt, Hold, Publication

WORDS = "Another text, approved anew."


@pytest.fixture
def out(world, shift):
    """One publication that is out."""
    world.publish(1)
    shift()
    return Publication.objects.get(state="done")


def _due(out, kind, **more):
    fields = {"edit": {"text": WORDS, "approval": out.approval, "content_hash": out.content_hash}}
    fields |= {"delete": {"why": "A wrong price"}}
    return Correction.objects.create(
        publication=out, channel=out.channel, kind=kind, answerable=out.answerable, due_at=out.due_at,
        next_attempt_at=out.due_at, **fields[kind], **more,
    )  # fmt: skip


def _go(shift):
    shift(lane=correcting.LANE)
    return Correction.objects.get().state


def test_an_edit_stands_over_there_and_here(out, network, shift):
    _due(out, "edit")
    assert _go(shift) == "done"
    assert [post["text"] for post in network.posts()] == [WORDS]
    out.refresh_from_db()
    assert (out.state, out.text, out.taken_down_at) == ("done", WORDS, None)
    assert AuditEvent.objects.filter(action="publication.corrected").count() == 1


def test_what_is_taken_down_is_gone_over_there_and_marked_here(out, network, shift):
    _due(out, "delete")
    assert _go(shift) == "done"
    assert network.posts() == []
    out.refresh_from_db()
    assert out.state == "done"
    assert out.taken_down_at


@pytest.mark.parametrize(("kind", "method"), [("edit", "PATCH"), ("delete", "DELETE")])
def test_after_a_lost_answer_it_is_looked_for_and_not_repeated(out, network, shift, kind, method):
    network.fault("reset_after", match={"path": "/posts/", "method": method})
    _due(out, kind)
    assert _go(shift) == "done"
    assert CorrectionAttempt.objects.count() == 1
    assert [post["text"] for post in network.posts()] == ([WORDS] if kind == "edit" else [])


@pytest.mark.parametrize("kind", ["edit", "delete"])
def test_what_never_arrived_is_proven_and_sent_again(out, network, shift, kind):
    network.fault("reset_before", match={"path": "/posts/"})
    _due(out, kind)
    assert _go(shift) == "done"
    assert sorted(CorrectionAttempt.objects.values_list("outcome", flat=True)) == ["accepted", "proven_absent"]


def test_what_was_taken_down_by_hand_is_taken_down(out, network, shift):
    _due(out, "delete")
    _go(shift)
    Correction.objects.all()
    again = _due(out, "delete")
    shift(lane=correcting.LANE)
    again.refresh_from_db()
    assert again.state == "done"


def test_a_hold_stops_an_edit_and_lets_things_be_taken_down(out, network, shift, world):
    Hold.objects.create(reason="Storm", placed_by=world.bob)
    edit = _due(out, "edit")
    assert _go(shift) == "held"
    Correction.objects.filter(pk=edit.pk).update(state="cancelled")
    _due(out, "delete")
    shift(lane=correcting.LANE)
    assert network.posts() == []


def test_an_edit_needs_its_approval_at_the_claim(out, network, shift):
    _due(out, "edit")
    Approval.objects.update(state="void")
    assert _go(shift) == "blocked"
    assert network.posts()[0]["text"] != WORDS


def test_a_leaver_takes_nothing_down(out, network, shift, world):
    _due(out, "delete")
    Departure.objects.create(person=world.alice, at=out.due_at, recorded_by=world.bob)
    assert _go(shift) == "blocked"
    assert len(network.posts()) == 1
