"""Asking for approval: what may be asked, of whom, and how to take it back."""

from datetime import timedelta

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.utils import timezone

from accounts.models import Notification
from channels_registry.connector.text import length, too_long
from channels_registry.connector.types import Limits
from publishing import arranging, drafting, submitting
from publishing.models import Approval
from tests import factories
from tests.publishing.steps import TEXT, asked, connect, trail

FAMILY = "👨‍👩‍👧‍👦"  # one character to the reader, seven code points


def test_submitting_asks_by_name_and_by_mail(post, alice, bob):
    wanted = timezone.now() + timedelta(days=1)
    approval = submitting.submit(post, alice, bob, "legal", wanted)
    post.refresh_from_db()
    assert (post.state, approval.state, asked(approval)) == ("in_approval", "pending", [bob])
    assert approval.latest_decision_at == wanted - submitting.TIME_TO_DECIDE
    assert Notification.objects.get(person=bob).url == f"/approvals/{approval.pk}/"
    assert Notification.objects.get(person=bob).by_mail
    assert trail(post)[-1] == "post.submitted"


def test_a_text_one_character_too_long_is_refused_as_the_network_counts(alice, bob, acme):
    """The sandbox counts code points and takes 500."""
    post = drafting.create_post(alice, [acme], "é" * 500)
    drafting.edit_post(post, alice, expected_revision=1, text="é" * 501)
    variant = post.variants.get()
    with pytest.raises(ValidationError) as refused:
        submitting.submit(post, alice, bob)
    assert refused.value.message_dict[f"variant-{variant.pk}"] == [
        "The text is 501 characters long, 500 are allowed. Shorten it by 1."
    ]
    drafting.edit_post(post, alice, expected_revision=2, text="é" * 500)
    assert submitting.submit(post, alice, bob).state == "pending"


def test_the_limit_is_the_connected_servers_own(alice, bob, acme):
    connect(acme, text=10)
    post = drafting.create_post(alice, [acme], "Eleven char")
    with pytest.raises(ValidationError, match="10 are allowed"):
        submitting.submit(post, alice, bob)


@pytest.mark.parametrize("text", ["", "   \n"])
def test_nothing_empty_is_submitted(alice, bob, acme, text):
    post = drafting.create_post(alice, [acme], text, title="Empty")
    with pytest.raises(ValidationError, match="empty"):
        submitting.submit(post, alice, bob)


def test_nothing_without_a_channel_is_submitted(alice, bob):
    post = drafting.create_post(alice, [], "An idea")
    with pytest.raises(ValidationError, match="at least one channel"):
        submitting.submit(post, alice, bob)


def test_nobody_is_asked_who_may_not_decide(post, alice, dana, charlie):
    for person in (alice, dana, charlie):
        with pytest.raises(ValidationError):
            submitting.submit(post, alice, person)
    assert not Approval.objects.exists()


def test_an_approver_of_one_channel_is_not_enough_for_two(alice, bob, acme):
    other = factories.channel("sandbox", name="Other")
    factories.grant(other, alice, "author")
    post = drafting.create_post(alice, [acme, other], TEXT)
    with pytest.raises(ValidationError, match="every channel"):
        submitting.submit(post, alice, bob)


def test_charlie_may_not_submit(post, charlie, bob):
    with pytest.raises(PermissionDenied):
        submitting.submit(post, charlie, bob)


def test_a_post_is_asked_about_once_at_a_time(approval, alice, bob):
    with pytest.raises(ValidationError, match="already being asked"):
        submitting.submit(approval.post, alice, bob)


def test_what_is_approved_is_not_asked_about_again(approved, alice, bob):
    with pytest.raises(ValidationError, match="already approved"):
        submitting.submit(approved, alice, bob)


def test_an_approver_confirms_something_that_there_is(post, alice, bob):
    with pytest.raises(ValidationError, match="Choose what the approver is asked to confirm"):
        submitting.submit(post, alice, bob, "taste")


def test_a_workflow_without_a_step_asks_nobody_and_approves_nothing(post, alice, gina):
    arranging.create_workflow(gina, name="Empty").steps.all().delete()
    with pytest.raises(ValidationError, match="has no step for this post"):
        submitting.submit(post, alice)


def test_a_wanted_time_that_has_passed_is_refused(post, alice, bob):
    with pytest.raises(ValidationError, match="has passed"):
        submitting.submit(post, alice, bob, "facts", timezone.now() - timedelta(minutes=1))


def test_a_request_can_be_taken_back_before_anybody_decides(approval, alice, bob):
    submitting.withdraw(approval.post, alice)
    approval.refresh_from_db()
    approval.post.refresh_from_db()
    assert (approval.state, approval.post.state) == ("withdrawn", "draft")
    assert trail(approval.post)[-1] == "post.submission_withdrawn"
    with pytest.raises(ValidationError):
        submitting.withdraw(approval.post, alice)


def test_charlie_may_not_take_a_request_back(approval, charlie):
    with pytest.raises(PermissionDenied):
        submitting.withdraw(approval.post, charlie)


def test_the_authors_colleague_may_edit_but_then_not_approve(post, alice, bob, acme):
    factories.grant(acme, bob, "author")
    drafting.edit_post(post, bob, expected_revision=1, text="Bob's words")
    with pytest.raises(ValidationError, match="changed it"):
        submitting.submit(post, alice, bob)


def test_one_grapheme_is_one_character_where_the_network_counts_graphemes():
    limits = Limits(300, "graphemes", text_bytes=10_000)
    assert length(FAMILY, "graphemes") == 1
    assert too_long(FAMILY * 300, limits) == ""
    assert "Shorten it by 1" in too_long(FAMILY * 301, limits)
