"""Workflows: which posts they hold for, who is asked, and who may write them down."""

import pytest
from django.core.exceptions import PermissionDenied, ValidationError

from accounts import people
from accounts.models import AuditEvent, Team
from publishing import approving, arranging, drafting, queries, submitting
from publishing.forms.workflows import StepForm
from publishing.models import Campaign, Decision, Post
from tests import factories
from tests.publishing.steps import approver, asked, page, write


@pytest.fixture
def hana(acme):
    return approver(acme, "hana")


@pytest.fixture
def promises(gina, hana):
    """Where the text names a warranty, a lawyer agrees after somebody agreed to the facts."""
    workflow = arranging.create_workflow(gina, name="Promises", words=["Warranty"])
    lawyers = {"name": "Lawyers", "remit": "legal", "position": 2, "people": [hana], "rule": "any"}
    arranging.add_step(workflow, gina, **lawyers)
    return workflow


@pytest.fixture
def promise(acme, alice):
    return write(alice, [acme], "Five years of WARRANTY on every zip.")


def test_a_post_with_the_word_goes_through_its_steps(promises, promise, alice, bob, hana):
    approval = submitting.submit(promise, alice)
    assert approval.workflow == promises
    assert [stage.name for stage in approval.stages.order_by("position")] == ["Facts", "Lawyers"]
    approving.approve(approval, bob, approval.revision.hash)
    approving.approve(approval, hana, approval.revision.hash)
    assert Post.objects.get(pk=promise.pk).state == "approved"


def test_another_post_is_asked_of_whom_its_author_names(promises, post, alice, bob):
    assert submitting.submit(post, alice, bob).workflow is None


def test_the_author_does_not_choose_who_decides_where_a_workflow_says_it(promises, promise, alice, bob):
    with pytest.raises(ValidationError, match="says who is asked"):
        submitting.submit(promise, alice, bob)


def test_without_a_workflow_somebody_has_to_be_named(post, alice):
    with pytest.raises(ValidationError, match="Choose who"):
        submitting.submit(post, alice)


def test_the_first_that_holds_is_taken(promises, promise, gina, alice, bob):
    everything = arranging.create_workflow(gina, name="Everything")
    assert submitting.submit(promise, alice).workflow == promises
    arranging.change_workflow(everything, gina, name="Everything", position=1)
    arranging.change_workflow(promises, gina, name="Promises", words=["warranty"], position=2)
    submitting.withdraw(promise, alice)
    assert submitting.submit(promise, alice).workflow == everything


@pytest.mark.parametrize(
    ("conditions", "holds"),
    [
        ({"risk_tiers": ["high"]}, False),
        ({"risk_tiers": ["medium"]}, True),
        ({"words": ["rates"]}, False),
        ({"words": ["instant TRANSFERS"]}, True),
        ({"has_media": True}, False),
        ({"boosted": True}, False),
        ({"words": ["transfers"], "risk_tiers": ["high"]}, False),
    ],
)
def test_conditions(gina, post, alice, bob, conditions, holds):
    arranging.create_workflow(gina, name="Some", **conditions)
    approval = submitting.submit(post, alice, None if holds else bob)
    assert bool(approval.workflow) == holds


def test_a_promoted_post_takes_the_workflow_for_that(gina, post, alice, bob):
    arranging.create_workflow(gina, name="Paid", boosted=True)
    with pytest.raises(ValidationError, match="Paid"):
        submitting.submit(post, alice, bob, boosted=True)
    assert submitting.submit(post, alice, boosted=True).boosted


def test_a_workflow_for_a_campaign_is_for_its_posts(gina, alice, acme, bob):
    fair = Campaign.objects.create(name="Fair", owner=alice)
    arranging.create_workflow(gina, name="Fair", campaigns=[fair])
    inside, outside = write(alice, [acme], "At the fair"), write(alice, [acme], "At home")
    Post.objects.filter(pk=inside.pk).update(campaign=fair)
    assert submitting.submit(inside, alice).workflow.name == "Fair"
    assert submitting.submit(outside, alice, bob).workflow is None


def test_a_word_in_another_text_of_a_channel_counts(promises, acme, alice, bob):
    post = write(alice, [acme], "Harmless", variants={acme.pk: "With warranty"})
    assert submitting.submit(post, alice).workflow == promises


def test_a_step_with_a_condition_is_taken_only_where_it_holds(promises, gina, promise, alice, bob):
    arranging.add_step(promises, gina, name="Board", remit="brand", people=[bob], position=3, risk_tiers=["high"])
    assert submitting.submit(promise, alice).stages.count() == 2


def test_a_team_is_asked_whole_but_for_who_had_a_hand_in_it(gina, acme, alice, bob, hana):
    factories.grant(acme, alice, "approver")
    for person in (alice, bob, hana):
        people.join_team(person, "Desk", factories.erin())
    step = arranging.create_workflow(gina, name="Desk").steps.get()
    arranging.change_step(step, gina, name="Desk", rule="all", anyone=False, teams=list(Team.objects.all()))
    approval = submitting.submit(write(alice, [acme]), alice)
    assert asked(approval) == [bob, hana]
    stage = approval.stages.get()
    assert (stage.rule, stage.needed) == ("all", 2)


def test_a_step_nobody_may_decide_is_refused_with_what_to_do(gina, alice, acme, charlie):
    step = arranging.create_workflow(gina, name="Charlie").steps.get()
    arranging.change_step(step, gina, name="Charlie", anyone=False, people=[charlie])
    with pytest.raises(ValidationError, match="Ask a social lead"):
        submitting.submit(write(alice, [acme]), alice)


def test_changing_a_workflow_changes_nothing_that_was_asked(promises, promise, gina, alice, bob, hana):
    approval = submitting.submit(promise, alice)
    arranging.remove_step(promises.steps.get(name="Lawyers"), gina)
    arranging.archive_workflow(promises, gina)
    approving.approve(approval, bob, approval.revision.hash)
    approval.refresh_from_db()
    assert approval.state == "pending"
    approving.approve(approval, hana, approval.revision.hash)
    approval.refresh_from_db()
    assert approval.state == "approved"


def test_somebody_with_the_right_does_not_decide_where_others_are_named(promises, promise, acme, alice, bob):
    approval = submitting.submit(promise, alice)
    approving.approve(approval, bob, approval.revision.hash)
    olga = approver(acme, "olga")
    with pytest.raises(PermissionDenied, match="not asked"):
        approving.approve(approval, olga, approval.revision.hash)


def test_resubmission_goes_on_at_the_step_that_refused(promises, promise, alice, bob, hana):
    first = submitting.submit(promise, alice)
    approving.approve(first, bob, first.revision.hash)
    approving.request_changes(first, hana, first.revision.hash, "As a story")
    story = {v.channel_id: "story" for v in promise.variants.all()}
    drafting.edit_post(promise, alice, expected_revision=1, placements=story)
    again = submitting.submit(promise, alice)
    assert [s.state for s in again.stages.order_by("position")] == ["carried", "pending"]
    assert Decision.objects.filter(approval=again).count() == 0


# --- Writing them down ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["alice", "bob", "charlie"])
def test_who_writes_or_approves_does_not_arrange(promises, name, alice, bob, charlie):
    somebody = factories.person(name)
    for act in (
        lambda: arranging.create_workflow(somebody, name="Mine"),
        lambda: arranging.change_workflow(promises, somebody, name="Mine"),
        lambda: arranging.archive_workflow(promises, somebody),
        lambda: arranging.add_step(promises, somebody, name="Me", anyone=True),
        lambda: arranging.change_step(promises.steps.first(), somebody, name="Me", anyone=True),
        lambda: arranging.remove_step(promises.steps.first(), somebody),
    ):
        with pytest.raises(PermissionDenied):
            act()


def test_arranging_stands_in_the_trail(promises, gina):
    arranging.archive_workflow(promises, gina)
    actions = AuditEvent.objects.filter(subject_type="approvalworkflow").order_by("id").values_list("action", flat=True)
    assert list(actions) == ["workflow.created", "workflow.step_added", "workflow.archived"]


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ({"name": "Nobody"}, "people"),
        ({"name": "All", "anyone": True, "rule": "all"}, "rule"),
        ({"name": "Three", "rule": "some", "needed": 3}, "people"),
    ],
)
def test_a_step_that_cannot_be_asked_is_refused(promises, gina, said, field):
    with pytest.raises(ValidationError) as refused:
        arranging.add_step(promises, gina, **said)
    assert field in refused.value.message_dict


def test_more_than_are_named_cannot_agree(promises, gina, bob):
    with pytest.raises(ValidationError, match="Only 1"):
        arranging.add_step(promises, gina, name="Two", people=[bob], rule="some", needed=2)


def test_the_last_step_that_every_post_takes_stays(gina):
    workflow = arranging.create_workflow(gina, name="One")
    with pytest.raises(ValidationError, match="One step has to be taken"):
        arranging.remove_step(workflow.steps.get(), gina)
    with pytest.raises(ValidationError, match="One step has to be taken"):
        arranging.change_step(workflow.steps.get(), gina, name="Facts", anyone=True, words=["x"])


def test_two_of_one_name_are_refused(promises, gina):
    with pytest.raises(ValidationError):
        arranging.create_workflow(gina, name="Promises")


def test_the_people_of_a_step_stand_before_the_others(promises, gina, hana, alice):
    step = arranging.add_step(promises, gina, name="Lawyers", people=[hana])
    offered = [person.name for person in StepForm(step=step).fields["people"].queryset]
    assert offered == [hana.name, *sorted(set(offered) - {hana.name})]
    others = [person.name for person in StepForm().fields["people"].queryset]
    assert others == sorted(others) and others[0] != hana.name


def test_by_pages(gina, hana, promise, alice, bob):
    lead, writer = factories.signed_in(gina), factories.signed_in(alice)
    workflow = lead.post("/workflows/new/", {"name": "Promises", "words": "warranty, for life"}).url
    sent = {"name": "Lawyers", "position": 2, "remit": "legal", "people": [hana.pk], "rule": "any", "hours": 8}
    assert lead.post(f"{workflow}steps/new/", {**sent, "people": []}).status_code == 422
    assert lead.post(f"{workflow}steps/new/", sent).url == workflow
    assert "Lawyers" in page(lead, workflow)
    html = page(writer, f"/posts/{promise.pk}/approval/")
    assert "Promises: who is asked" in html and "Hana" in html and "Who should decide?" not in html
    answer = writer.post(f"/posts/{promise.pk}/approval/", {"time_zone": "UTC"}, follow=True)
    assert "Bob" in answer.content.decode()
    assert "Lawyers" in page(factories.signed_in(hana), f"/approvals/{promise.approvals.get().pk}/")


def test_showing_who_will_be_asked_asks_nobody(gina, post, alice, bob):
    arranging.create_workflow(gina, name="Paid", boosted=True)
    answer = factories.signed_in(alice).post(
        f"/posts/{post.pk}/approval/", {"then": "show", "boosted": "on", "time_zone": "UTC"}
    )
    assert "Paid: who is asked" in answer.content.decode()
    assert not post.approvals.exists()


@pytest.mark.parametrize("word", ["w\u200barranty", "w\u0430rr\u0430nty", "\uff57arranty"])
def test_a_word_is_found_however_it_is_written(promises, acme, alice, word):
    assert submitting.submit(write(alice, [acme], f"Five years of {word}."), alice).workflow == promises


def test_a_word_of_another_alphabet_is_found_too(gina, hana, acme, alice):
    workflow = arranging.create_workflow(gina, name="Russia", words=["Гарантия"])
    assert submitting.submit(write(alice, [acme], "Пять лет: гарантия"), alice).workflow == workflow


def test_a_word_in_an_alt_text_is_found(promises, post):
    variant = post.variants.get()
    variant.media = [{"asset": 1, "rendition": 1, "sha256": "-", "alt": "Five years of warranty"}]
    assert promises.match(queries.traits_of(post, [variant]))
