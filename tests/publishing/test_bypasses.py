"""Ways around an approval that are not ways around it. Those of stages, windows, links and delegates stand with them:
test_stages.py, test_windows.py, test_linking.py, test_reminding.py; those of one's own post in test_approving.py.
"""

import threading
from datetime import UTC

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import DatabaseError, connection, transaction

from accounts import people
from accounts.models import RoleAssignment
from channels_registry import access
from publishing import approving, arranging, attaching, drafting, storing, submitting
from publishing.asking import Step
from publishing.models import Approval, ApprovalStage, Ask, Decision, Post
from tests import factories, files
from tests.publishing.steps import agree, approver, ask, plan, staffed, tomorrow, write
from tests.publishing.test_stages import in_stages, states
from tests.tools import Tool, said


@pytest.mark.parametrize("change", ["override", "channel", "placement"])
def test_a_change_beside_the_text_takes_the_approval_away(approved, publication, alice, acme, second, change):
    said = {
        "override": {"variants": {acme.pk: "Only here"}},
        "channel": {"channels": [acme, second]},
        "placement": {"placements": {acme.pk: "story"}},
    }[change]
    drafting.edit_post(approved, alice, expected_revision=1, **said)
    assert standing(publication) == ("draft", "void", "cancelled")


# --- By a tool --------------------------------------------------------------------------------------------------------

OWN = {"override": {"text": "Only here"}, "thread": {"thread": ["And more"]}, "placement": {"placement": "story"},
       "first comment": {"first_comment": "More there"}}  # fmt: skip


@pytest.mark.parametrize("change", ["text", "channel", *OWN])
def test_a_change_by_a_tool_takes_the_approval_away(approved, publication, alice, acme, second, change):
    sent = {"text": {"text": "Otherwise"}, "channel": {"channels": [acme.pk, second.pk]}}
    sent |= {name: {"variants": [{"channel": acme.pk, **own}]} for name, own in OWN.items()}
    said(Tool(alice).patch(f"posts/{approved.pk}", {"revision": 1, **sent[change]}), 200)
    assert standing(publication) == ("draft", "void", "cancelled")


@pytest.mark.parametrize(
    ("path", "change"), [("pictures", {"alt": "Otherwise."}), ("pictures", {"format": "1:1"}), ("pictures/removal", {})]
)
def test_another_picture_or_alt_text_by_a_tool_does_too(post, alice, bob, dana, path, change):
    content = files.handed_in(files.encoded(files.drawn()))
    boots = storing.upload(alice, content, title="Boots", alt_text="Two boots.")
    attaching.attach(post, boots, alice, expected_revision=1)
    publication = plan(agree(post, alice, bob), dana)
    status = 200 if "removal" in path else 201
    said(Tool(alice).post(f"posts/{post.pk}/{path}", {"asset": boots.pk, "revision": 2, **change}), status)
    assert standing(publication) == ("draft", "void", "cancelled")


def test_a_tool_chooses_no_time_that_was_not_agreed_to(post, acme, alice, bob, dana):
    wanted = tomorrow(9)
    approval = submitting.submit(post, alice, bob, "facts", wanted.replace(tzinfo=UTC))
    approving.approve(approval, bob, approval.revision.hash)
    tool, outside = Tool(dana), {"wall_time": f"{tomorrow(10, 3):%Y-%m-%dT%H:%M}", "time_zone": "UTC"}
    for sent in (outside, {"now": True}):
        refused = said(tool.post(f"posts/{post.pk}/publications", {"channel": acme.pk, **sent}), 422)
        assert "It was approved for" in str(refused), refused
    inside = {"channel": acme.pk, "wall_time": f"{wanted:%Y-%m-%dT%H:%M}", "time_zone": "UTC"}
    made = said(tool.post(f"posts/{post.pk}/publications", inside), 201)
    said(tool.post(f"publications/{made['id']}/time", outside), 422)
    assert said(tool.get(f"publications/{made['id']}"), 200)["due_at"] == made["due_at"]


def test_a_tool_decides_nothing_with_what_belongs_to_another_request(acme, alice, bob, post):
    mine, other = ask(post, alice, bob), ask(write(alice, [acme], "Another"), alice, bob)
    sent = {"verdict": "approved", "revision_hash": mine.revision.hash}
    said(Tool(bob).post(f"approvals/{mine.pk}/decision", {**sent, "stage": other.stages.get().pk}), 403)
    said(Tool(bob).post(f"approvals/{other.pk}/decision", sent), 409)
    assert not Decision.objects.exists()


def test_neither_a_role_nor_a_team_lets_a_tool_decide(approval, charlie, gina):
    people.join_team(charlie, "Lawyers", factories.erin())
    for person in (charlie, gina):
        sent = {"verdict": "approved", "revision_hash": approval.revision.hash}
        said(Tool(person).post(f"approvals/{approval.pk}/decision", sent), 403)
    assert not Decision.objects.exists()


def test_a_decision_sent_again_after_it_was_taken_back_decides_nothing(approval, bob):
    tool, path = Tool(bob), f"approvals/{approval.pk}/decision"
    sent = {"verdict": "approved", "revision_hash": approval.revision.hash}
    said(tool.post(path, sent, key="once"), 200)
    said(tool.post(f"approvals/{approval.pk}/withdrawal", {"note": "Wrong price"}), 200)
    assert tool.post(path, sent, key="once")["Idempotency-Replayed"] == "true"
    said(tool.post(path, sent), 422)
    approval.refresh_from_db()
    assert (approval.state, approval.decisions.filter(verdict="approved").count()) == ("withdrawn", 1)


def test_a_comment_by_a_tool_agrees_to_nothing(approval, bob):
    said(Tool(bob).post(f"posts/{approval.post_id}/comments", {"text": "I agree."}), 201)
    approval.refresh_from_db()
    assert approval.state == "pending" and not Decision.objects.exists()


def standing(publication) -> tuple[str, str, str]:
    """What became of the post, of what was agreed to, and of what was planned by it."""
    now = type(publication).objects.select_related("variant__post", "approval").get(pk=publication.pk)
    return now.variant.post.state, now.approval.state, now.state


# --- On the pages, in the verbs and in the database -------------------------------------------------------------------


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
