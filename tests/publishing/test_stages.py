"""A request in stages: who is asked when, how many are needed, and which agreements still stand after a change."""

import re
from pathlib import Path

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import DatabaseError, transaction
from django.utils import timezone

from publishing import approving, asking, drafting
from publishing.asking import Step
from publishing.models import Approval, ApprovalStage, Ask, Decision, Post
from publishing.models.revision import PARTS, REMITS
from tests import factories
from tests.publishing.steps import approver, ask, asked, trail, write

README = Path(__file__).parents[2] / "README.md"


def in_stages(post, by, *steps) -> Approval:
    """A request with these steps."""
    post = Post.objects.get(pk=post.pk)
    revision = post.revisions.latest("number")
    approval = Approval.objects.create(post=post, revision=revision, asked_by=by, asked_at=timezone.now())
    Post.objects.filter(pk=post.pk).update(state="in_approval")
    post.state = "in_approval"
    with transaction.atomic():
        asking.lay_out(approval, steps)
        asking.move_on(post, approval, by)
    return approval


def states(approval) -> list[str]:
    return list(approval.stages.order_by("position", "id").values_list("state", flat=True))


@pytest.fixture
def hana(acme):
    return approver(acme, "hana")


@pytest.fixture
def olga(acme):
    return approver(acme, "olga")


def test_the_readme_says_what_a_sign_off_covers():
    rows = re.findall(r"^\| (\w+) \| *(yes)? *\| *(yes)? *\| *(yes)? *\|$", README.read_text("utf-8"), re.M)
    said = {part: said for part, *said in rows}
    assert set(said) == set(PARTS)
    for column, remit in enumerate(("facts", "legal", "brand")):
        assert {part for part in said if said[part][column]} == set(REMITS[remit])


def test_every_part_of_a_remit_is_explained():
    assert set(PARTS) == {part for parts in REMITS.values() for part in parts}


def test_the_second_position_is_asked_when_the_first_agreed(post, alice, bob, hana):
    approval = in_stages(post, alice, Step("Facts", "facts", [bob]), Step("Lawyers", "legal", [hana], position=2))
    assert states(approval) == ["pending", "waiting"]
    with pytest.raises(PermissionDenied, match="not asked"):
        approving.approve(approval, hana, approval.revision.hash)
    assert [bool(each.opened_at) for each in approval.stages.order_by("position")] == [True, False]
    approving.approve(approval, bob, approval.revision.hash)
    assert states(approval) == ["approved", "pending"]
    approving.approve(approval, hana, approval.revision.hash)
    approval.refresh_from_db()
    assert approval.state == "approved" and approval.approved_at
    assert Post.objects.get(pk=post.pk).state == "approved"


def test_lanes_are_asked_at_once_and_all_have_to_agree(post, alice, bob, hana):
    approval = in_stages(post, alice, Step("Facts", "facts", [bob]), Step("Lawyers", "legal", [hana]))
    assert asked(approval) == [bob, hana]
    approving.approve(approval, hana, approval.revision.hash)
    approval.refresh_from_db()
    assert approval.state == "pending"
    approving.approve(approval, bob, approval.revision.hash)
    approval.refresh_from_db()
    assert approval.state == "approved"


def test_two_of_three_are_two_different_people(post, alice, bob, hana, olga):
    approval = in_stages(post, alice, Step("Two", "brand", [bob, hana, olga], rule="some", needed=2))
    approving.approve(approval, bob, approval.revision.hash)
    with pytest.raises(ValidationError, match="already decided"):
        approving.approve(approval, bob, approval.revision.hash)
    assert states(approval) == ["pending"]
    approving.approve(approval, olga, approval.revision.hash)
    assert states(approval) == ["approved"]


def test_all_of_them_is_each_of_them(post, alice, bob, hana):
    approval = in_stages(post, alice, Step("All", "facts", [bob, hana], rule="all"))
    approving.approve(approval, hana, approval.revision.hash)
    assert states(approval) == ["pending"]
    approving.approve(approval, bob, approval.revision.hash)
    assert states(approval) == ["approved"]


def test_one_no_sends_it_back(post, alice, bob, hana):
    approval = in_stages(post, alice, Step("All", "facts", [bob, hana], rule="all"))
    approving.reject(approval, hana, approval.revision.hash, "Wrong year")
    approval.refresh_from_db()
    assert (approval.state, states(approval)) == ("rejected", ["returned"])


# --- What still stands ------------------------------------------------------------------------------------------------


@pytest.fixture
def partly(post, alice, bob, hana):
    """bob agreed to the facts and the lawyer to the words; the brand said no."""
    steps = [Step("Facts", "facts", [bob]), Step("Lawyers", "legal", [hana])]
    brand = Step("Brand", "brand", [bob], position=2)
    approval = in_stages(post, alice, *steps, brand)
    approving.approve(approval, bob, approval.revision.hash)
    approving.approve(approval, hana, approval.revision.hash)
    approving.request_changes(approval, bob, approval.revision.hash, "As a story")
    return approval, [*steps, brand]


def another_place(post, by):
    """A revision that says the same in another place."""
    post = Post.objects.get(pk=post.pk)
    drafting.edit_post(
        post,
        by,
        expected_revision=post.revision_number,
        placements={v.channel_id: "story" for v in post.variants.all()},
    )
    return post


def test_a_change_of_place_is_asked_of_the_brand_alone(partly, alice, bob):
    before, steps = partly
    again = in_stages(another_place(before.post, alice), alice, *steps)
    assert states(again) == ["carried", "carried", "pending"]
    assert asked(again) == [bob]
    assert "approval.carried" in trail(again)
    approving.approve(again, bob, again.revision.hash)
    again.refresh_from_db()
    assert again.state == "approved"


def test_other_words_are_asked_of_everybody(partly, alice):
    before, steps = partly
    drafting.edit_post(before.post, alice, expected_revision=1, text="Other words")
    assert states(in_stages(before.post, alice, *steps)) == ["pending", "pending", "waiting"]


def test_words_that_came_back_are_asked_about_again(partly, alice):
    """What was agreed to was changed meanwhile: nobody knows what else was read into it."""
    before, steps = partly
    text = before.post.text
    drafting.edit_post(before.post, alice, expected_revision=1, text="Other words")
    drafting.edit_post(before.post, alice, expected_revision=2, text=text)
    assert states(in_stages(before.post, alice, *steps)) == ["pending", "pending", "waiting"]


def test_the_agreement_of_one_who_left_does_not_stand(partly, alice, hana):
    before, steps = partly
    factories.departed(hana)
    again = in_stages(another_place(before.post, alice), alice, *steps)
    assert states(again)[:2] == ["carried", "pending"]
    stage, given = again.stages.get(name="Lawyers"), Decision.objects.get(by=hana)
    Ask.objects.filter(stage=stage).update(ended_at=timezone.now())
    with pytest.raises(DatabaseError), transaction.atomic():
        Ask.objects.create(stage=stage, person=hana, carried_from=given)


def test_the_agreement_of_one_who_may_not_approve_any_more_does_not_stand(partly, acme, alice, hana):
    from channels_registry import access
    from channels_registry.models import AccessGrant

    before, steps = partly
    access.revoke(AccessGrant.objects.get(person=hana, channel=acme), factories.erin(), "moved on")
    assert states(in_stages(another_place(before.post, alice), alice, *steps))[:2] == ["carried", "pending"]


def test_the_agreement_of_one_who_changed_it_does_not_stand(partly, acme, alice, hana):
    before, steps = partly
    factories.grant(acme, hana, "author")
    again = in_stages(another_place(before.post, hana), alice, *steps)
    assert states(again)[:2] == ["carried", "pending"]
    with pytest.raises(PermissionDenied, match="changed it"):
        approving.approve(again, hana, again.revision.hash)


def test_an_agreement_that_was_taken_over_washes_nobody_clean(partly, acme, alice, bob, hana, olga):
    """hana's change of place was never agreed to anew by everybody, so she stays among its authors."""
    before, steps = partly
    factories.grant(acme, olga, "author")
    again = in_stages(another_place(before.post, olga), alice, *steps)
    approving.approve(again, bob, again.revision.hash)
    drafting.edit_post(Post.objects.get(pk=before.post_id), alice, expected_revision=2, text="New words")
    last = in_stages(before.post, alice, Step("Facts", "facts", [olga]))
    with pytest.raises(PermissionDenied, match="changed it"):
        approving.approve(last, olga, last.revision.hash)
    stage = last.stages.get()
    with pytest.raises(DatabaseError, match="what they changed"), transaction.atomic():
        Decision.objects.create(
            approval=last, stage=stage, ask=stage.asks.get(), by=olga, author=alice, verdict="approved",
            revision_hash=last.revision.hash, parts=stage.covered(last.revision.parts),
        )  # fmt: skip


# --- The database -----------------------------------------------------------------------------------------------------


def test_the_database_refuses_a_stage_that_too_few_agreed_to(post, alice, bob, hana):
    approval = in_stages(post, alice, Step("All", "facts", [bob, hana], rule="all"))
    approving.approve(approval, bob, approval.revision.hash)
    for refused in (
        lambda: approval.stages.update(state="approved"),
        lambda: approval.stages.update(needed=1),
        lambda: approval.stages.all().delete(),
        lambda: Approval.objects.filter(pk=approval.pk).update(state="approved"),
    ):
        with pytest.raises(DatabaseError), transaction.atomic():
            refused()


def test_the_database_refuses_a_stage_out_of_turn(post, alice, bob, hana):
    approval = in_stages(post, alice, Step("Facts", "facts", [bob]), Step("Lawyers", "legal", [hana], position=2))
    with pytest.raises(DatabaseError, match="comes after"), transaction.atomic():
        ApprovalStage.objects.filter(approval=approval, position=2).update(state="pending")


def test_the_database_refuses_who_was_not_asked(post, alice, bob, hana):
    approval = in_stages(post, alice, Step("Facts", "facts", [bob]))
    stage = approval.stages.get()
    with pytest.raises(DatabaseError, match="settled when the stage opened"), transaction.atomic():
        Ask.objects.create(stage=stage, person=hana)
    with pytest.raises(DatabaseError, match="not asked now"), transaction.atomic():
        Decision.objects.create(
            approval=approval, stage=stage, ask=stage.asks.get(), by=hana, author=alice, verdict="approved",
            revision_hash=approval.revision.hash, parts=stage.covered(approval.revision.parts),
        )  # fmt: skip


def test_the_database_refuses_a_decision_on_fewer_parts(approval, alice, bob):
    stage = approval.stages.get()
    with pytest.raises(DatabaseError, match="other parts"), transaction.atomic():
        Decision.objects.create(
            approval=approval, stage=stage, ask=stage.asks.get(), by=bob, author=alice, verdict="approved",
            revision_hash=approval.revision.hash, parts={"text": approval.revision.parts["text"]},
        )  # fmt: skip


def test_the_database_refuses_an_agreement_to_another_post(post, acme, alice, bob):
    first = ask(post, alice, bob)
    given = approving.approve(first, bob, first.revision.hash)
    other = write(alice, [acme], "Another")
    approval = Approval.objects.create(post=other, revision=other.revisions.get(), asked_by=alice)
    stage = ApprovalStage.objects.create(approval=approval, name="Facts", remit="facts", covers=["text"])
    with pytest.raises(DatabaseError, match="something else"), transaction.atomic():
        Ask.objects.create(stage=stage, person=bob, carried_from=given)
