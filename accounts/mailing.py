"""What an administrator decides about a mail that is not known to have arrived."""

from collections.abc import Collection

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Q
from django.db.models.functions import Now

from accounts import audit
from accounts.models import MailAttempt, MailDelivery, Person, Role
from accounts.permissions import require_role
from socialops.lib.delivery.late import accepted_late, may_confirm, refuse_late_answer
from socialops.lib.delivery.models import Outcome, State

audit.register("mail.sent_again", "had a mail sent again")
audit.register("mail.let_be", "decided that a mail is not sent again")


@transaction.atomic
def send_again(mail: MailDelivery, by: Person) -> MailDelivery:
    """The person looked (or asked), and it did not arrive."""
    mail = _undecided(mail, by)
    refuse_late_answer(mail)
    mail.attempts.filter(Q(outcome=Outcome.UNKNOWN) | Q(outcome=None)).update(outcome=Outcome.PROVEN_ABSENT)
    mail.state, mail.reason, mail.tries, mail.looks = State.SCHEDULED, "", 0, 0
    mail.next_attempt_at = mail.due_at = Now()
    mail.save(update_fields=["state", "reason", "tries", "looks", "next_attempt_at", "due_at"])
    audit.record(by, "mail.sent_again", mail, to=mail.to)
    return mail


@transaction.atomic
def let_be(mail: MailDelivery, by: Person) -> MailDelivery:
    """It arrived after all, or does not matter any more."""
    mail = _undecided(mail, by)
    mail.state = State.DONE if may_confirm(mail) else State.CANCELLED
    if mail.state == State.CANCELLED:
        mail.reason = "An administrator decided that it is not sent."
    mail.settled_at = Now()
    mail.save(update_fields=["state", "reason", "settled_at"])
    audit.record(by, "mail.let_be", mail, to=mail.to)
    return mail


@transaction.atomic
def decide(pks: Collection[int], by: Person, again: bool) -> int:
    """One decision for many of which nobody knows whether they arrived. Returns how many it was for.

    What was decided meanwhile, or is out by a late answer and would be sent again, is left as it is.
    """
    require_role(by, Role.ADMIN)
    unknown = MailDelivery.objects.filter(pk__in=pks, state=State.NEEDS_HUMAN)
    if again:
        unknown = unknown.exclude(accepted_late(MailAttempt))
    mails = list(unknown.select_for_update(of=("self",)).order_by("pk"))
    for mail in mails:
        (send_again if again else let_be)(mail, by)
    return len(mails)


def _undecided(mail: MailDelivery, by: Person) -> MailDelivery:
    require_role(by, Role.ADMIN)
    mail = MailDelivery.objects.select_for_update(of=("self",)).get(pk=mail.pk)
    if mail.state not in (State.NEEDS_HUMAN, State.FAILED, State.MISSED, State.BLOCKED):
        raise ValidationError("Nobody has to decide about this mail.")
    return mail
