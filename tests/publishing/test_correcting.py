"""Who may change what is out, with what text, and that it is asked for once."""

from datetime import timedelta

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import IntegrityError
from django.utils import timezone

from publishing import approving, correcting, drafting, silencing, submitting
from publishing.models import Correction, Publication
from tests import factories
from tests.publishing.steps import agree, page, plan, published, trail, write


@pytest.fixture
def out(publication):
    return published(publication)


@pytest.fixture
def agreed_anew(out, approved, alice, bob):
    """Another text of the post, approved while the first is out."""
    drafting.edit_post(approved, alice, expected_revision=approved.revision_number, text="Another text.")
    approved.refresh_from_db()
    return agree(approved, alice, bob)


def test_the_newly_approved_text_goes_over_what_is_out(out, agreed_anew, dana):
    made = correcting.edit(out, dana)
    assert (made.kind, made.text, made.answerable) == ("edit", "Another text.", dana)
    assert made.content_hash == agreed_anew.approvals.filter(state="approved").last().revision.hash
    assert trail(out)[-1] == "publication.edit_asked"


def test_what_is_not_approved_is_not_put_over_it(out, approved, alice, dana):
    with pytest.raises(ValidationError, match="says already"):
        correcting.edit(out, dana)
    drafting.edit_post(approved, alice, expected_revision=approved.revision_number, text="Never approved.")
    with pytest.raises(ValidationError, match="not approved"):
        correcting.edit(out, dana)
    assert not Correction.objects.exists()


def test_taking_down_needs_a_reason(out, dana):
    with pytest.raises(ValidationError, match="Say why"):
        correcting.delete(out, dana, " ")
    assert correcting.delete(out, dana, "A wrong price").why == "A wrong price"
    assert trail(out)[-1] == "publication.deletion_asked"


@pytest.mark.parametrize("name", ["charlie", "alice", "bob"])
def test_nobody_without_the_right_to_publish_changes_what_is_out(out, agreed_anew, name):
    person = factories.person(name)
    for verb in (lambda: correcting.edit(out, person), lambda: correcting.delete(out, person, "x")):
        with pytest.raises(PermissionDenied):
            verb()


def test_what_is_not_out_has_nothing_to_change(publication, dana):
    with pytest.raises(ValidationError, match="not out"):
        correcting.delete(publication, dana, "x")


def test_one_change_at_a_time(out, agreed_anew, dana):
    made = correcting.delete(out, dana, "x")
    with pytest.raises(ValidationError, match="under way"):
        correcting.edit(out, dana)
    with pytest.raises(IntegrityError):
        Correction.objects.create(
            publication=out, channel=out.channel, kind="delete", why="y", answerable=dana, due_at=made.due_at,
            next_attempt_at=made.due_at,
        )  # fmt: skip


def test_it_is_taken_back_while_it_waits(out, agreed_anew, dana, charlie):
    made = correcting.delete(out, dana, "x")
    with pytest.raises(PermissionDenied):
        correcting.withdraw(made, charlie)
    assert correcting.withdraw(made, dana).state == "cancelled"
    assert correcting.edit(out, dana).state == "scheduled"


def test_a_person_says_what_the_network_does_not(out, dana, charlie):
    made = correcting.delete(out, dana, "x")
    with pytest.raises(ValidationError, match="Nobody has to"):
        correcting.settle(made, dana, True)
    for state in ("sending", "unknown", "needs_human"):
        Correction.objects.filter(pk=made.pk).update(state=state)
    with pytest.raises(PermissionDenied):
        correcting.settle(made, charlie, True)
    correcting.settle(made, dana, True)
    out.refresh_from_db()
    assert out.taken_down_at


def test_the_pages_name_what_happens_and_ask_why(out, agreed_anew, dana):
    client = factories.signed_in(dana)
    assert "<ins>" in page(client, f"/publications/{out.pk}/edit/")
    assert "cannot be put back" in page(client, f"/publications/{out.pk}/deletion/")
    assert client.post(f"/publications/{out.pk}/deletion/", {"why": ""}).status_code == 422
    client.post(f"/publications/{out.pk}/deletion/", {"why": "A wrong price"})
    assert "A wrong price" in page(client, f"/publications/{out.pk}/")
    client.post(f"/corrections/{Correction.objects.get().pk}/withdrawal/")
    assert client.post(f"/publications/{out.pk}/edit/").status_code == 302
    assert Correction.objects.filter(kind="edit", state="scheduled").exists()


def test_charlie_gets_no_page_for_it(out, charlie):
    client = factories.signed_in(charlie)
    for path in (f"/publications/{out.pk}/edit/", f"/publications/{out.pk}/deletion/"):
        assert client.get(path).status_code == 403


def test_a_network_that_cannot_says_so(out, dana):
    type(out.channel).objects.filter(pk=out.channel_id).update(network="bluesky")
    out.channel.refresh_from_db()
    with pytest.raises(ValidationError, match="Bluesky does not let a post be edited"):
        correcting.edit(out, dana)
    assert correcting.offered(out)["delete"] == ""


def test_outside_the_time_that_was_agreed_to_nothing_is_put_over_it(out, approved, alice, bob, dana):
    drafting.edit_post(approved, alice, expected_revision=1, text="The price from next week on.")
    week = timezone.now() + timedelta(days=7)
    approval = submitting.submit(approved, alice, bob, "facts", week)
    approving.approve(approval, bob, approval.revision.hash)
    with pytest.raises(ValidationError, match="It was approved for"):
        correcting.edit(out, dana)
    assert not Correction.objects.exists()


@pytest.mark.parametrize("part", [0, 1])
def test_a_comment_that_became_a_thread_is_not_put_over_it(acme, alice, bob, dana, part):
    post = agree(write(alice, [acme], first_comments={acme.pk: "The prices, in short."}), alice, bob)
    plan(post, dana)
    there = published(Publication.objects.get(part=part))
    drafting.edit_post(
        post, alice, expected_revision=1, first_comments={acme.pk: ""}, threads={acme.pk: ["And then?"]}, text="Other."
    )
    agree(post, alice, bob)
    with pytest.raises(ValidationError, match="so this is no edit"):
        correcting.edit(there, dana)


def test_under_embargo_nothing_is_put_over_it(out, agreed_anew, alice, dana):
    silencing.set_embargo(agreed_anew, timezone.now() + timedelta(days=3), "The deal is signed", alice)
    with pytest.raises(ValidationError, match="The deal is signed"):
        correcting.edit(out, dana)
