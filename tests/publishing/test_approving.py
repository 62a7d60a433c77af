"""Who may agree, to what, and every way around it that we could think of."""

import pytest
from django.core.exceptions import PermissionDenied, ValidationError

from accounts.models import Notification
from publishing import approving, delegating, drafting, submitting
from publishing.asking import Step
from publishing.models import Decision
from tests import factories
from tests.publishing.steps import TEXT, agree, approver, ask, asked, plan, trail, write
from tests.publishing.test_stages import in_stages


def test_another_person_approves_exactly_what_they_saw(approval, bob, alice):
    decision = approving.approve(approval, bob, approval.revision.hash)
    approval.refresh_from_db()
    approval.post.refresh_from_db()
    assert (approval.state, approval.post.state) == ("approved", "approved")
    assert (decision.by, decision.author, decision.revision_hash) == (bob, alice, approval.revision.hash)
    assert trail(approval) == ["approval.approved"]
    told = Notification.objects.filter(person=alice).latest("id")
    assert "approved" in told.text and told.by_mail


def test_so_may_whoever_else_has_the_right(approval, acme):
    assert approving.approve(approval, approver(acme, "hana"), approval.revision.hash).verdict == "approved"


def test_nobody_approves_their_own_post(acme, alice, bob):
    factories.grant(acme, alice, "approver")
    approval = ask(write(alice, [acme]), alice, bob)
    with pytest.raises(PermissionDenied, match="you wrote it"):
        approving.approve(approval, alice, approval.revision.hash)


def test_not_even_as_an_administrator_or_a_social_lead(acme, bob):
    for role in ("admin", "social_lead"):
        writer = factories.person(f"writer of {role}", role)
        factories.grant(acme, writer, "manager", by=factories.person("ines", "admin"))
        approval = ask(write(writer, [acme]), writer, bob)
        with pytest.raises(PermissionDenied):
            approving.approve(approval, writer, approval.revision.hash)


@pytest.mark.parametrize("role", ["admin", "social_lead", "auditor"])
def test_a_role_is_not_a_right_to_approve(approval, role):
    somebody = factories.person(f"some {role}", role)
    with pytest.raises(PermissionDenied):
        approving.approve(approval, somebody, approval.revision.hash)


def test_charlie_may_not_decide(approval, charlie):
    for verb in (approving.approve, approving.request_changes, approving.reject):
        with pytest.raises(PermissionDenied):
            verb(approval, charlie, approval.revision.hash, "no")
    approval.refresh_from_db()
    assert approval.state == "pending"


def test_somebody_who_left_may_not_decide(approval, bob):
    factories.departed(bob)
    with pytest.raises(PermissionDenied):
        approving.approve(approval, bob, approval.revision.hash)


def test_the_right_is_needed_on_every_channel(alice, acme, bob):
    other = factories.channel("sandbox", name="Other")
    factories.grant(other, alice, "author")
    post = write(alice, [acme, other])
    hana = factories.person("hana")
    for channel in (acme, other):
        factories.grant(channel, hana, "approver")
    approval = ask(post, alice, hana)
    with pytest.raises(PermissionDenied, match="Other"):
        approving.approve(approval, bob, approval.revision.hash)
    assert approving.approve(approval, hana, approval.revision.hash).verdict == "approved"


def test_a_right_that_was_revoked_a_moment_ago_does_not_approve(approval, acme, bob):
    from channels_registry import access
    from channels_registry.models import AccessGrant

    access.revoke(AccessGrant.objects.get(person=bob, channel=acme), factories.erin(), "moved on")
    with pytest.raises(PermissionDenied):
        approving.approve(approval, bob, approval.revision.hash)


def test_who_changed_it_may_not_approve_it_even_if_somebody_else_asks(acme, alice, bob, post):
    factories.grant(acme, bob, "author")
    hana = approver(acme, "hana")
    drafting.edit_post(post, bob, expected_revision=1, text="bob's")
    approval = ask(post, alice, hana)
    with pytest.raises(PermissionDenied, match="you changed it"):
        approving.approve(approval, bob, approval.revision.hash)


def test_having_edited_first_is_not_washed_away_by_a_later_edit(acme, alice, bob, post):
    """bob writes the words, alice saves once more, bob wants to approve: still his words."""
    factories.grant(acme, bob, "author")
    hana = approver(acme, "hana")
    drafting.edit_post(post, bob, expected_revision=1, text="bob's")
    drafting.edit_post(post, alice, expected_revision=2, text="bob's, and a comma")
    approval = ask(post, alice, hana)
    with pytest.raises(PermissionDenied):
        approving.approve(approval, bob, approval.revision.hash)


def test_an_editor_may_approve_again_once_somebody_else_approved_their_words(acme, alice, bob, post):
    factories.grant(acme, bob, "author")
    hana = approver(acme, "hana")
    drafting.edit_post(post, bob, expected_revision=1, text="bob's")
    agree(post, alice, hana)
    drafting.edit_post(post, alice, expected_revision=2, text="alice's again")
    approval = ask(post, alice, bob)
    assert approving.approve(approval, bob, approval.revision.hash)


def test_an_approval_that_was_taken_back_does_not_wash_an_editor_clean(acme, alice, bob, post):
    factories.grant(acme, bob, "author")
    hana = approver(acme, "hana")
    drafting.edit_post(post, bob, expected_revision=1, text="bob's")
    agree(post, alice, hana)
    approving.withdraw(post.approvals.get(), hana)
    drafting.edit_post(post, alice, expected_revision=2, text="alice's again")
    approval = ask(post, alice, hana)
    with pytest.raises(PermissionDenied):
        approving.approve(approval, bob, approval.revision.hash)


def test_an_edit_between_look_and_click_decides_nothing_and_says_what_changed(approval, alice, bob):
    seen = approval.revision.hash
    drafting.edit_post(approval.post, alice, expected_revision=1, text="Everything costs 20 €.")
    with pytest.raises(approving.Changed) as changed:
        approving.approve(approval, bob, seen)
    assert changed.value.seen.content["text"] == TEXT
    assert changed.value.now.content["text"] == "Everything costs 20 €."
    assert not Decision.objects.exists()


def test_a_hash_of_something_else_approves_nothing(approval, bob, post, second, alice):
    other = ask(write(alice, [second], "Another post"), alice, bob)
    for wrong in (other.revision.hash, "", "0" * 64):
        with pytest.raises(approving.Changed):
            approving.approve(approval, bob, wrong)


def test_an_approval_is_not_given_twice(approval, bob):
    approving.approve(approval, bob, approval.revision.hash)
    with pytest.raises(ValidationError, match="already approved it"):
        approving.approve(approval, bob, approval.revision.hash)
    assert Decision.objects.count() == 1


def test_a_rejected_request_cannot_be_approved_after_all(approval, bob):
    approving.reject(approval, bob, approval.revision.hash, "Not true")
    with pytest.raises(ValidationError, match="already rejected it"):
        approving.approve(approval, bob, approval.revision.hash)


def test_a_request_that_was_taken_back_cannot_be_approved(approval, alice, bob):
    submitting.withdraw(approval.post, alice)
    with pytest.raises(ValidationError, match="taken back"):
        approving.approve(approval, bob, approval.revision.hash)


def test_a_replay_of_an_old_approval_does_not_cover_the_same_words_later(approved, alice, bob):
    """Approved, changed, changed back, asked again: the old approval's id and hash decide nothing."""
    old = approved.approvals.get()
    drafting.edit_post(approved, alice, expected_revision=1, text="Other")
    drafting.edit_post(approved, alice, expected_revision=2, text=TEXT)
    ask(approved, alice, bob)
    with pytest.raises(ValidationError):
        approving.approve(old, bob, old.revision.hash)
    approved.refresh_from_db()
    assert approved.state == "in_approval"


@pytest.mark.parametrize("verb", [approving.request_changes, approving.reject])
@pytest.mark.parametrize("note", ["", "  \n "])
def test_saying_no_needs_a_reason(approval, bob, verb, note):
    with pytest.raises(ValidationError) as refused:
        verb(approval, bob, approval.revision.hash, note)
    assert "note" in refused.value.message_dict


@pytest.mark.parametrize(
    ("verb", "state"), [(approving.request_changes, "changes_requested"), (approving.reject, "rejected")]
)
def test_a_no_goes_back_to_the_author_with_its_reason(approval, alice, bob, verb, state):
    decision = verb(approval, bob, approval.revision.hash, "The price is wrong")
    approval.post.refresh_from_db()
    assert (approval.post.state, decision.note) == (state, "The price is wrong")
    assert trail(approval) == [f"approval.{state}"]
    drafting.edit_post(approval.post, alice, expected_revision=1, text="Right price")
    assert ask(approval.post, alice, bob).state == "pending"


def test_taking_an_approval_back_stops_what_is_scheduled(publication, approved, bob):
    approval = approved.approvals.get()
    approving.withdraw(approval, bob, "New facts")
    publication.refresh_from_db()
    approved.refresh_from_db()
    assert (publication.state, approved.state) == ("cancelled", "draft")
    assert trail(approval)[-1] == "approval.withdrawn"
    with pytest.raises(ValidationError):
        approving.withdraw(approval, bob)


def test_charlie_may_not_take_an_approval_back(approved, charlie):
    with pytest.raises(PermissionDenied):
        approving.withdraw(approved.approvals.get(), charlie)


def test_nothing_is_scheduled_after_an_approval_was_taken_back(approved, bob, dana):
    approving.withdraw(approved.approvals.get(), bob)
    with pytest.raises(ValidationError, match="not approved"):
        plan(approved, dana)


# --- When the person who was asked leaves ---------------------------------------------------------------------------


def test_a_leavers_requests_go_to_somebody_who_may_decide(approval, acme, alice, bob):
    hana = approver(acme, "hana")
    factories.departed(bob)
    assert delegating.hand_over(bob, None) == 1
    approval.refresh_from_db()
    assert (asked(approval), approval.state) == ([hana], "pending")
    assert trail(approval) == ["approval.handed_over"]
    assert "in place of Bob" in Notification.objects.get(person=hana).text
    assert delegating.hand_over(bob, None) == 0
    assert approving.approve(approval, hana, approval.revision.hash)


def test_the_owner_of_the_channel_comes_first(approval, acme, bob):
    approver(acme, "ada")
    olga = approver(acme, "olga")
    type(acme).objects.filter(pk=acme.pk).update(owner=olga)
    factories.departed(bob)
    delegating.hand_over(bob, None)
    approval.refresh_from_db()
    assert asked(approval) == [olga]


@pytest.mark.parametrize("anyone", [True, False])
def test_without_an_owner_who_may_it_goes_to_their_manager(post, alice, acme, bob, anyone):
    approval = in_stages(post, alice, Step("Facts", "facts", [bob], anyone=anyone))
    approver(acme, "ada")
    type(bob).objects.filter(pk=bob.pk).update(manager=approver(acme, "olga"))
    assert delegating.hand_over(bob, None) == 1
    assert asked(approval) == [factories.person("olga")]


@pytest.mark.parametrize(("rule", "left"), [("any", ["hana"]), ("all", ["bob", "hana"])])
def test_where_the_others_are_enough_the_place_of_a_leaver_just_ends(post, alice, acme, bob, rule, left):
    approval = in_stages(post, alice, Step("Facts", "facts", [bob, approver(acme, "hana")], rule=rule))
    assert delegating.hand_over(bob, None) == 0
    assert asked(approval) == [factories.person(name) for name in left]
    assert Notification.objects.filter(person=alice, kind="approval.stranded").exists() is (rule == "all")


def test_a_request_never_goes_to_its_author_and_the_asker_is_told(approval, acme, alice, bob):
    factories.grant(acme, alice, "approver")
    factories.departed(bob)
    assert delegating.hand_over(bob, None) == 0
    approval.refresh_from_db()
    assert asked(approval) == [bob]
    assert "nobody else may" in Notification.objects.filter(person=alice).latest("id").text
