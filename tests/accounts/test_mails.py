"""Mails: one for all that waits, handed over at most once, and a person decides what cannot be known."""

import re
from datetime import timedelta

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.db.models.functions import Now
from django.urls import reverse
from django.utils import timezone

from accounts import inviting, mailing, notifying
from accounts.delivering import LANE
from accounts.models import AuditEvent, MailDelivery, Notification
from tests import shifts
from tests.accounts.mail_server import mail_server
from tests.factories import departed, erin, person, signed_in
from tests.publishing.steps import came_late

UNDER_WAY = ("scheduled", "sending", "unknown")


@pytest.fixture
def server(settings):
    settings.PACE = 0.05
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    with mail_server() as found:
        settings.EMAIL_HOST, settings.EMAIL_PORT = found.server_address
        yield found


def mail(to):
    return MailDelivery.objects.create(to=to, subject="Hello", body="Text", due_at=Now(), next_attempt_at=Now())


def deliver(*mails):
    """A shift until the mails are settled."""
    shifts.run(LANE, until=lambda: not MailDelivery.objects.filter(state__in=UNDER_WAY).exists())
    return [MailDelivery.objects.get(pk=each.pk) for each in mails]


# --- Telling ---------------------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_what_waits_goes_into_one_mail_and_the_next_one_waits():
    bob = person("bob")
    for n in range(5):
        notifying.notify(bob, "approval", f"Approve post {n}", f"/approvals/{n}/", mail=True)
    notifying.notify(bob, "approval", "Only in the list", "/approvals/9/")
    assert notifying.gather() == 1
    sent = MailDelivery.objects.get(person=bob)
    assert sent.subject == "5 things wait for you in Socialops"
    assert "Approve post 4" in sent.body and "/approvals/4/" in sent.body and "Only in the list" not in sent.body
    notifying.notify(bob, "approval", "One more", "/approvals/8/", mail=True)
    assert notifying.gather() == 0
    Notification.objects.filter(person=bob).update(mailed_at=None)
    assert notifying.gather() == 1


@pytest.mark.django_db
def test_what_was_read_is_not_mailed_and_the_same_is_told_once():
    bob = person("bob")
    first = notifying.notify(bob, "approval", "Approve", "/approvals/1/", mail=True)
    assert notifying.notify(bob, "approval", "Approve", "/approvals/1/", mail=True) is None
    assert notifying.read(person("charlie"), first.pk) == 0
    assert notifying.read(bob, first.pk) == 1
    assert notifying.gather() == 0


@pytest.mark.django_db
def test_somebody_who_left_is_told_nothing_more():
    dana = person("dana")
    notifying.notify(dana, "approval", "Approve", "/approvals/1/", mail=True)
    departed(dana)
    assert notifying.notify(dana, "approval", "Another", "/approvals/2/", mail=True) is None
    assert notifying.gather() == 0


# --- Handing over ----------------------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_an_invitation_is_handed_over_with_its_link_which_the_database_never_held(server):
    invitation = inviting.invite(person("dana", login=False), erin())
    (sent,) = deliver(MailDelivery.objects.get(person=invitation.person))
    assert sent.state == "done"
    ((_, text),) = server.taken
    token = re.search(r"/invitations/([^/]+)/", text.replace("=\r\n", ""))[1]  # signed when sent, so not known before
    assert inviting.opened(token) == invitation
    assert token not in sent.body and str(sent.key) in text


@pytest.mark.django_db(transaction=True)
def test_each_answer_of_the_mail_server_has_its_end(server):
    erin()
    names = ["taken", "unknown", "later", "silent"]
    ends = deliver(*[mail(f"{name}@example.test") for name in names])
    assert [each.state for each in ends] == ["done", "failed", "done", "needs_human"]
    assert "550 nobody of this name" in ends[1].reason
    assert sorted(who.split("<")[1].split("@")[0] for who, _ in server.taken) == ["later", "silent", "taken"]
    assert Notification.objects.filter(person=erin(), kind="mail.trouble").count() == 1


@pytest.mark.django_db(transaction=True)
def test_without_a_mail_server_nothing_is_lost_and_nothing_is_unknown(server, settings):
    port, settings.EMAIL_PORT = settings.EMAIL_PORT, 1
    waiting = mail("taken@example.test")
    shifts.run(LANE)
    waiting.refresh_from_db()
    assert waiting.state == "scheduled" and waiting.tries > 0 and not server.taken
    settings.EMAIL_PORT = port
    MailDelivery.objects.update(next_attempt_at=Now())
    assert deliver(waiting)[0].state == "done"
    assert len(server.taken) == 1


# --- Deciding --------------------------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_an_administrator_sends_again_what_may_not_have_arrived_and_charlie_does_not(server):
    erin()
    (lost,) = deliver(mail("silent@example.test"))
    with pytest.raises(PermissionDenied):
        mailing.send_again(lost, person("charlie"))
    page = signed_in(erin()).get(reverse("mail_list")).content.decode()
    assert "Send it again" in page and signed_in(person("charlie")).get(reverse("mail_list")).status_code == 403
    mailing.send_again(lost, erin())
    MailDelivery.objects.update(to="taken@example.test")
    assert deliver(lost)[0].state == "done"
    assert AuditEvent.objects.get(action="mail.sent_again").actor == erin()
    with pytest.raises(ValidationError, match="Nobody has to decide"):
        mailing.send_again(lost, erin())


@pytest.mark.django_db(transaction=True)
def test_what_waited_behind_an_outage_leaves_when_it_is_over_and_very_old_mail_asks(server):
    """Two hours are an outage; most of a day may be yesterday's backup, which does not know what has left since."""
    erin()
    waited, old = mail("taken@example.test"), mail("other@example.test")
    for each, hours in ((waited, 2), (old, 20)):
        MailDelivery.objects.filter(pk=each.pk).update(next_attempt_at=timezone.now() - timedelta(hours=hours))
    assert [each.state for each in deliver(waited, old)] == ["done", "needs_human"]
    assert len(server.taken) == 1


def nobody_knows(count):
    """Mails handed over, without an answer."""
    mails = [mail(f"person{n}@example.test") for n in range(count)]
    rows = MailDelivery.objects.filter(pk__in=[each.pk for each in mails])
    rows.update(state="sending", lease_until=Now(), fence=1)
    for each in mails:
        each.attempts.create(fence=1, started_at=Now(), deadline_at=Now(), outcome="unknown")
    rows.update(state="unknown", lease_until=None)
    rows.update(state="needs_human")
    return mails


@pytest.mark.django_db
@pytest.mark.parametrize(("decision", "state"), [("again", "scheduled"), ("over", "done")])
def test_one_decision_is_enough_for_many_and_charlie_takes_none(decision, state):
    mails, later = nobody_knows(3), nobody_knows(1)[0]
    came_late(mails[0])
    client, url = signed_in(erin()), reverse("mails_decision")
    assert f"Send all {4} again" in client.get(reverse("mail_list")).content.decode()
    said = {"decision": decision, "mail": [*(each.pk for each in mails), "x", ""]}
    assert signed_in(person("charlie")).post(url, said).status_code == 403
    with pytest.raises(PermissionDenied):
        mailing.decide([each.pk for each in mails], person("charlie"), again=True)
    assert not AuditEvent.objects.filter(action__startswith="mail.").exists()
    assert client.post(url, said).status_code == 302
    states = [MailDelivery.objects.get(pk=each.pk).state for each in (*mails, later)]
    first = "needs_human" if decision == "again" else "done"
    assert states == [first, state, state, "needs_human"], (
        "a late answer is not sent again, nor what was not on the page"
    )
    action = "mail.sent_again" if decision == "again" else "mail.let_be"
    assert AuditEvent.objects.filter(action=action, actor=erin()).count() == (2 if decision == "again" else 3)


@pytest.mark.django_db
def test_a_mail_that_was_delivered_by_a_late_answer_is_not_sent_again():
    late = mail("bob@example.test")
    MailDelivery.objects.filter(pk=late.pk).update(state="blocked")
    came_late(late)
    assert late.to in signed_in(erin()).get(reverse("mail_list")).content.decode()
    with pytest.raises(ValidationError, match="late answer"):
        mailing.send_again(late, erin())
    assert mailing.let_be(late, erin()).state == "done"


@pytest.mark.django_db
def test_a_subject_cannot_carry_a_second_header():
    with transaction.atomic():
        sent = notifying.send_mail(person("bob"), "Hello\r\nBcc: all@example.test", "Text")
    assert sent.subject == "Hello Bcc: all@example.test"
