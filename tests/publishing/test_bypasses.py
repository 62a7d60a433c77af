"""Ways around an approval that are not ways around it. Those of stages, windows, links and delegates stand with them:
test_stages.py, test_windows.py, test_linking.py, test_reminding.py; those of one's own post in test_approving.py.
"""

import threading

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import DatabaseError, connection, transaction

from accounts import people
from accounts.models import RoleAssignment
from channels_registry import access
from publishing import approving, arranging, drafting, submitting
from publishing.asking import Step
from publishing.models import Approval, ApprovalStage, Ask, Decision, Post
from tests import factories
from tests.publishing.steps import approver, ask, plan, staffed, write
from tests.publishing.test_stages import in_stages, states


@pytest.mark.parametrize("change", ["override", "channel", "placement"])
def test_a_change_beside_the_text_takes_the_approval_away(approved, publication, alice, acme, second, change):
    said = {
        "override": {"variants": {acme.pk: "Only here"}},
        "channel": {"channels": [acme, second]},
        "placement": {"placements": {acme.pk: "story"}},
    }[change]
    drafting.edit_post(approved, alice, expected_revision=1, **said)
    publication.refresh_from_db()
    approved.refresh_from_db()
    assert (approved.state, approved.approvals.get().state, publication.state) == ("draft", "void", "cancelled")


def test_what_is_kept_unsaved_is_neither_approved_nor_scheduled(approved, alice, dana):
    """Autosave keeps what somebody types beside the post; what was approved is what goes out."""
    path = f"/posts/{approved.pk}/autosave/"
    factories.signed_in(alice).post(path, {"tab": "0123456789abcdef", "text": "Slipped in", "expected_revision": 1})
    approved.refresh_from_db()
    assert approved.state == "approved"
    assert plan(approved, dana).text == approved.text != "Slipped in"


def test_a_part_forged_in_the_row_is_not_scheduled(approved, alice, dana):
    """Alt text and media are parts as the text is: a variant whose row says otherwise does not match."""
    approved.variants.update(placement="story")
    with pytest.raises(ValidationError, match="not what was approved"):
        plan(approved, dana)


def test_a_team_gives_no_right_to_decide(approval, charlie):
    people.join_team(charlie, "Lawyers", factories.erin())
    with pytest.raises(PermissionDenied):
        approving.approve(approval, charlie, approval.revision.hash)


def test_a_named_step_gives_no_right_to_decide_either(acme, alice, bob, charlie, post):
    gina = factories.person("gina", "social_lead")
    workflow = arranging.create_workflow(gina, name="All")
    arranging.change_step(workflow.steps.get(), gina, name="Facts", anyone=False, people=[bob, charlie])
    approval = submitting.submit(post, alice)
    with pytest.raises(PermissionDenied):
        approving.approve(approval, charlie, approval.revision.hash)


def test_an_administrator_gives_neither_right_nor_role_to_themselves(acme, approval):
    erin = factories.erin()
    with pytest.raises(PermissionDenied):
        access.grant(acme, erin, "approver", erin, "To approve it myself")
    with pytest.raises(ValidationError):
        people.give_role(erin, "social_lead", erin)
    assert not RoleAssignment.objects.filter(person=erin, role="social_lead").exists()
    with pytest.raises(PermissionDenied):
        approving.approve(approval, erin, approval.revision.hash)


def test_an_author_who_arranges_workflows_still_does_not_approve_their_own(acme, bob):
    lead = factories.person("writing lead", "social_lead")
    factories.grant(acme, lead, "manager", by=factories.erin())
    workflow = arranging.create_workflow(lead, name="Mine")
    step = workflow.steps.get()
    arranging.change_step(step, lead, name="Me", anyone=False, people=[lead])
    with pytest.raises(ValidationError, match="Ask a social lead"):
        submitting.submit(write(lead, [acme]), lead)
    arranging.change_step(step, lead, name="Me", anyone=False, people=[lead, bob], rule="all")
    approval = submitting.submit(write(lead, [acme]), lead)
    with pytest.raises(PermissionDenied, match="you wrote it"):
        approving.approve(approval, lead, approval.revision.hash)
    place = Ask.objects.get(stage__approval=approval)
    with pytest.raises(DatabaseError, match="their own post"), transaction.atomic():
        Ask.objects.create(stage=place.stage, person=lead, instead_of=place)


def test_a_stage_of_another_request_is_not_decided_here(acme, alice, bob, post):
    mine = ask(post, alice, bob)
    other = ask(write(alice, [acme], "Another"), alice, bob)
    with pytest.raises(PermissionDenied):
        approving.approve(mine, bob, mine.revision.hash, stage=other.stages.get().pk)
    with pytest.raises(DatabaseError, match="not asked now"), transaction.atomic():
        Decision.objects.create(
            approval=mine, stage=other.stages.get(), ask=Ask.objects.get(stage__approval=other), by=bob, author=alice,
            verdict="approved", revision_hash=mine.revision.hash, parts=mine.revision.parts,
        )  # fmt: skip


def test_one_person_in_two_places_is_one_agreement(acme, alice, bob, post):
    """bob is asked himself and stands in for hana as well: two are needed, and he is one."""
    hana = approver(acme, "hana")
    approval = in_stages(post, alice, Step("Both", "facts", [bob, hana], rule="all"))
    place = Ask.objects.get(stage__approval=approval, person=hana)
    with pytest.raises(DatabaseError), transaction.atomic():
        Ask.objects.create(stage=place.stage, person=bob, instead_of=place)
    approving.approve(approval, bob, approval.revision.hash)
    with pytest.raises(ValidationError, match="already decided"):
        approving.approve(approval, bob, approval.revision.hash)
    assert states(approval) == ["pending"]


def test_a_stage_added_or_taken_away_afterwards_changes_nothing(approved):
    approval = approved.approvals.get()
    for act in (
        lambda: ApprovalStage.objects.create(approval=approval, name="More", remit="legal", covers=["text"]),
        lambda: approval.stages.all().delete(),
        lambda: approval.stages.update(covers=["time"]),
        lambda: Ask.objects.filter(stage__approval=approval).delete(),
    ):
        with pytest.raises(DatabaseError), transaction.atomic():
            act()


def test_one_approver_clicking_twice_at_once_is_one_of_two(fresh_database):
    acme = staffed(factories.channel("sandbox", name="Acme"))
    alice, bob, hana = factories.person("alice"), factories.person("bob"), approver(acme, "hana")
    approval = in_stages(write(alice, [acme]), alice, Step("Two", "facts", [bob, hana], rule="some", needed=2))
    barrier, said = threading.Barrier(2), []

    def click():
        barrier.wait(10)
        try:
            said.append(approving.approve(approval, bob, approval.revision.hash))
        except ValidationError as error:
            said.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=click) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(type(each).__name__ for each in said) == ["Decision", "ValidationError"]
    approval.refresh_from_db()
    assert (approval.state, Post.objects.get(pk=approval.post_id).state) == ("pending", "in_approval")
    assert Approval.objects.filter(state="approved").count() == 0
