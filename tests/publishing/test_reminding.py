"""What time does to a request: reminders in working hours, delegates, and who is asked next."""

from datetime import time, timedelta

import pytest
from django.core.exceptions import PermissionDenied
from django.utils import timezone

from accounts import covering
from accounts.models import AuditEvent, Notification, Person
from publishing import approving, reminding, submitting
from publishing.models import ApprovalStage, Ask, Post
from tests import factories
from tests.publishing.steps import approver, asked, trail, write


def at_work(*people):
    """Whatever the day and hour at which this runs."""
    Person.objects.filter(pk__in=[each.pk for each in people]).update(
        working_days=list(range(7)), working_from=time(0), working_until=time(23, 59, 59, 999999)
    )


def passed(approval, share: float) -> None:
    """As if this share of the time to decide had passed."""
    now, span = timezone.now(), timedelta(hours=10)
    begin = now - span * share
    ApprovalStage.objects.filter(approval=approval).update(opened_at=begin, decide_by=begin + span)
    Ask.objects.filter(stage__approval=approval).update(asked_at=begin)


def reminders(person) -> list[str]:
    return [each.text for each in Notification.objects.filter(person=person, kind="approval.reminder").order_by("id")]


def away(person, delegate=None):
    today = timezone.now().date()
    return covering.plan_absence(person, today - timedelta(days=1), today + timedelta(days=3), delegate)


def test_nothing_is_said_before_a_quarter_of_the_time(approval, bob):
    at_work(bob)
    passed(approval, 0.2)
    assert reminding.remind() == 0


def test_a_reminder_at_a_quarter_and_one_at_three_quarters(approval, bob):
    at_work(bob)
    passed(approval, 0.3)
    assert reminding.remind() == 1
    assert reminding.remind() == 0
    assert len(reminders(bob)) == 1
    Notification.objects.filter(person=bob).update(read_at=timezone.now())
    passed(approval, 0.8)
    Ask.objects.update(reminded_at=timezone.now() - timedelta(hours=5))
    reminding.remind()
    reminding.remind()
    assert len(reminders(bob)) == 2


def test_not_outside_their_working_hours(approval, bob):
    Person.objects.filter(pk=bob.pk).update(working_days=[(timezone.now().weekday() + 3) % 7])
    passed(approval, 0.3)
    assert reminding.remind() == 0


def test_many_posts_are_one_line(acme, alice, bob):
    at_work(bob)
    for number in range(4):
        passed(submitting.submit(write(alice, [acme], f"Text {number}"), alice, bob), 0.3)
    assert reminding.remind() == 1
    assert reminders(bob) == ["4 posts wait for your decision."]


def test_who_decided_is_not_reminded(approval, bob):
    at_work(bob)
    passed(approval, 0.3)
    approving.approve(approval, bob, approval.revision.hash)
    assert reminding.remind() == 0


def test_at_half_of_the_time_the_backup_owner_is_asked_as_well(approval, acme, bob):
    olga = approver(acme, "olga")
    type(acme).objects.filter(pk=acme.pk).update(backup_owner=olga)
    passed(approval, 0.55)
    reminding.remind()
    reminding.remind()
    assert asked(approval) == [bob, olga]
    assert trail(approval) == ["approval.escalated"]
    approving.approve(approval, olga, approval.revision.hash)
    approval.refresh_from_db()
    assert approval.state == "approved"


def test_the_delegate_decides_and_both_stand_in_the_trail(approval, acme, bob):
    hana = approver(acme, "hana")
    away(bob, hana)
    reminding.remind()
    reminding.remind()
    assert asked(approval) == [bob, hana]
    approving.approve(approval, hana, approval.revision.hash)
    told = AuditEvent.objects.get(action="approval.approved").data
    assert told["instead_of"] == bob.pk
    assert AuditEvent.objects.get(action="approval.delegated").data["to"] == hana.pk


def test_a_delegate_who_wrote_it_is_not_asked(acme, alice, bob, post):
    factories.grant(acme, alice, "approver")
    approval = submitting.submit(post, alice, bob)
    away(bob, alice)
    reminding.remind()
    assert asked(approval) == [bob]
    with pytest.raises(PermissionDenied, match="you wrote it"):
        approving.approve(approval, alice, approval.revision.hash)
    assert Notification.objects.filter(person=alice, kind="approval.stranded").exists()


def test_a_delegate_without_the_right_is_passed_over_for_the_next(approval, acme, bob, charlie):
    olga = approver(acme, "olga")
    away(bob, charlie)
    reminding.remind()
    assert asked(approval) == [bob, olga]


def test_one_place_is_one_agreement_whoever_of_the_two_gives_it(acme, alice, bob, post):
    from publishing.asking import Step
    from tests.publishing.test_stages import in_stages, states

    hana, olga = approver(acme, "hana"), approver(acme, "olga")
    approval = in_stages(post, alice, Step("Both", "facts", [bob, hana], rule="all"))
    away(bob, olga)
    reminding.remind()
    for person in (bob, olga):
        approving.approve(approval, person, approval.revision.hash)
    assert states(approval) == ["pending"]
    approving.approve(approval, hana, approval.revision.hash)
    assert states(approval) == ["approved"]


def test_steps_share_the_time_as_their_hours_are(acme, alice, bob, post):
    from publishing import arranging

    gina, hana = factories.person("gina", "social_lead"), approver(acme, "hana")
    workflow = arranging.create_workflow(gina, name="Two")
    arranging.change_step(workflow.steps.get(), gina, name="Facts", anyone=False, people=[bob], hours=3)
    arranging.add_step(workflow, gina, name="Law", remit="legal", people=[hana], position=2, hours=1)
    now = timezone.now()
    approval = submitting.submit(post, alice, wanted_at=now + timedelta(hours=8, minutes=10))
    first, second = [stage.decide_by for stage in approval.stages.order_by("position")]
    assert abs(first - now - timedelta(hours=6)) < timedelta(minutes=1)
    assert abs(second - now - timedelta(hours=8)) < timedelta(minutes=1)


# --- Several at once --------------------------------------------------------------------------------------------------


def test_only_what_was_opened_is_approved_with_others(acme, alice, bob):
    posts = [submitting.submit(write(alice, [acme], f"Text {n}", title=f"Post {n}"), alice, bob) for n in range(3)]
    client = factories.signed_in(bob)
    for approval in posts[:2]:
        client.get(f"/approvals/{approval.pk}/")
    assert "approval.opened" in trail(posts[0])
    html = client.get("/approvals/").content.decode()
    places = {a.pk: Ask.objects.get(stage__approval=a).pk for a in posts}
    assert f'value="{places[posts[0].pk]}"' in html and f'value="{places[posts[2].pk]}"' not in html
    answer = client.post("/approvals/decisions/", {"ask": list(places.values())}, follow=True).content.decode()
    assert "2 approved." in answer and "You have not opened it yet" in answer
    assert [Post.objects.get(pk=a.post_id).state for a in posts] == ["approved", "approved", "in_approval"]


def test_somebody_elses_place_approves_nothing(approval, alice, bob, charlie):
    Ask.objects.update(opened_at=timezone.now())
    for person in (alice, charlie):
        done, refused = approving.approve_opened(person, [Ask.objects.get().pk])
        assert (done, refused) == ([], [])
