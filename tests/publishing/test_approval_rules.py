"""The rules of approval for whoever finds a way past the verbs: in the database, and when two act at once."""

import pytest
from django.core.exceptions import ValidationError
from django.db import DatabaseError, transaction

from publishing import approving, drafting, scheduling
from publishing.models import Approval, Ask, Decision, Post, Publication
from tests import factories
from tests.publishing.steps import agree, approver, ask, at_once, plan, staffed, tomorrow, write


def _decide_raw(approval, by, verdict="approved", **changes):
    """Past the verbs, from a place that was made past them as well."""
    stage = approval.stages.get()
    ask = stage.asks.filter(person=by).first() or Ask.objects.create(stage=stage, person=by)
    values = {"author": approval.post.author, "revision_hash": approval.revision.hash, "stage": stage, "ask": ask}
    values |= {"parts": stage.covered(approval.revision.parts), **changes}
    return Decision.objects.create(approval=approval, by=by, verdict=verdict, **values)


def test_the_database_refuses_ones_own_approval(approval, alice, bob):
    for author in (alice, bob):  # the honest copy, and a forged one
        with pytest.raises(DatabaseError), transaction.atomic():
            _decide_raw(approval, alice, author=author)


def test_the_database_refuses_who_changed_it(acme, alice, bob, post):
    factories.grant(acme, bob, "author")
    hana = approver(acme, "hana")
    drafting.edit_post(post, bob, expected_revision=1, text="bob's")
    approval = ask(post, alice, hana)
    with pytest.raises(DatabaseError, match="what they changed"), transaction.atomic():
        _decide_raw(approval, bob)


def test_the_database_refuses_another_hash(approval, bob):
    with pytest.raises(DatabaseError, match="not about this post"), transaction.atomic():
        _decide_raw(approval, bob, revision_hash="0" * 64)


def test_the_database_refuses_a_second_decision(approval, bob):
    approving.approve(approval, bob, approval.revision.hash)
    with pytest.raises(DatabaseError, match="nothing is left"), transaction.atomic():
        _decide_raw(approval, bob)


def test_the_database_refuses_an_approval_without_a_decision(approval):
    with pytest.raises(DatabaseError, match="no decision"), transaction.atomic():
        Approval.objects.filter(pk=approval.pk).update(state="approved")
    with pytest.raises(DatabaseError, match="was not approved"), transaction.atomic():
        Post.objects.filter(pk=approval.post_id).update(state="approved")


def test_the_database_never_moves_an_approval_to_another_revision(approved, alice, bob, second):
    old = approved.approvals.get()
    other = write(alice, [second], "Another")
    with pytest.raises(DatabaseError), transaction.atomic():
        Approval.objects.filter(pk=old.pk).update(revision=other.revisions.get())
    with pytest.raises(DatabaseError), transaction.atomic():
        Approval.objects.create(post=approved, revision=other.revisions.get(), asked_by=alice)


def test_the_database_keeps_decisions_as_they_are(approved):
    for change in (lambda: Decision.objects.update(verdict="rejected"), lambda: Decision.objects.all().delete()):
        with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
            change()


def test_a_text_slipped_past_the_verbs_is_not_scheduled(approved, dana):
    """The row was changed in the database; the hash of what was approved tells."""
    Post.objects.filter(pk=approved.pk).update(text="Slipped in")
    with pytest.raises(ValidationError, match="not what was approved"):
        plan(approved, dana)
    assert not Publication.objects.exists()


def test_two_approvers_at_once_and_one_decision(fresh_database):
    acme = staffed(factories.channel("sandbox", name="Acme"))
    alice, bob, hana = factories.person("alice"), factories.person("bob"), approver(acme, "hana")
    approval = ask(write(alice, [acme]), alice, bob)
    said = at_once(
        lambda: approving.approve(approval, bob, approval.revision.hash),
        lambda: approving.reject(approval, hana, approval.revision.hash, "No"),
    )
    assert sorted(type(each).__name__ for each in said) == ["Decision", "ValidationError"]
    approval.refresh_from_db()
    assert approval.decisions.get().verdict == approval.state


def test_an_edit_and_an_approval_at_once_never_leave_the_new_words_approved(fresh_database):
    acme = staffed(factories.channel("sandbox", name="Acme"))
    alice, bob = factories.person("alice"), factories.person("bob")
    for number in range(5):
        approval = ask(write(alice, [acme], f"Words {number}"), alice, bob)
        at_once(
            lambda approval=approval: approving.approve(approval, bob, approval.revision.hash),
            lambda approval=approval: drafting.edit_post(approval.post, alice, expected_revision=1, text="Other words"),
        )
        approval.refresh_from_db()
        post = Post.objects.get(pk=approval.post_id)
        assert (post.text, post.state, approval.state) == ("Other words", "draft", "void")


def test_an_edit_and_a_schedule_at_once_never_leave_the_old_words_waiting(fresh_database):
    acme = staffed(factories.channel("sandbox", name="Acme"))
    alice, bob, dana = (factories.person(name) for name in ("alice", "bob", "dana"))
    for number in range(5):
        post = agree(write(alice, [acme], f"Words {number}"), alice, bob)
        variant = post.variants.get()
        at_once(
            lambda variant=variant: scheduling.schedule(variant, tomorrow(9), "UTC", dana),
            lambda post=post: drafting.edit_post(post, alice, expected_revision=1, text="Other words"),
        )
        assert not Publication.objects.filter(variant=variant).exclude(state="cancelled").exists()


def test_a_double_click_publishes_once(fresh_database):
    acme = staffed(factories.channel("sandbox", name="Acme"))
    dana = factories.person("dana")
    variant = agree(
        write(factories.person("alice"), [acme]), factories.person("alice"), factories.person("bob")
    ).variants.get()
    said = at_once(lambda: scheduling.publish_now(variant, dana), lambda: scheduling.publish_now(variant, dana))
    assert sorted(type(each).__name__ for each in said) == ["Publication", "ValidationError"]
    assert Publication.objects.count() == 1
