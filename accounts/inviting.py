"""Invitations: the only way to a login, and the only way back for somebody who left."""

from datetime import timedelta

from allauth.account.models import EmailAddress
from django.conf import settings
from django.contrib.auth.password_validation import validate_password
from django.core import signing
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Exists, F, OuterRef, QuerySet
from django.db.models.functions import Greatest, Now
from django.urls import reverse

from accounts import audit
from accounts.departing import clean_up
from accounts.models import Departure, DirectoryEntry, Invitation, Person, Role, User
from accounts.notifying import send_mail
from accounts.permissions import require_role

GOOD_FOR = timedelta(days=7)
SALT = "accounts.invitation"  # a link for another purpose is signed with another salt, and refused here
LINK = "[invitation:{pk}]"  # what stands in the mail's row; the link itself is made when the mail is sent

audit.register("person.invited", "invited")
audit.register("invitation.accepted", "accepted the invitation")
audit.register("person.returned", "invited back somebody who had left")


@transaction.atomic
def invite(person: Person, by: Person | None) -> Invitation:
    """Send a link that is good once and for seven days; an earlier one stops working. `by=None`: the first of all."""
    if by is not None:
        require_role(by, Role.ADMIN)
    person = Person.objects.select_for_update().get(pk=person.pk)
    back = Person.objects.departed().filter(pk=person.pk).exists()
    if not back and User.objects.filter(person=person, is_active=True).exists():
        raise ValidationError(f"{person} can sign in already. To sign in again they use “Forgot your password?”.")
    if by == person:
        raise ValidationError("Nobody invites themselves. Ask another administrator.")
    Invitation.objects.filter(person=person, accepted_at=None, withdrawn_at=None).update(withdrawn_at=Now())
    invitation = Invitation.objects.create(person=person, invited_by=by, expires_at=Now() + GOOD_FOR)
    invitation.refresh_from_db(fields=["expires_at"])
    audit.record(by, "person.returned" if back else "person.invited", person, until=invitation.expires_at.isoformat())
    _send(invitation)
    return invitation


def link(invitation: Invitation) -> str:
    """The address that lets this person in. Never stored: who reads a backup must not be able to accept."""
    token = signing.dumps(invitation.pk, salt=SALT)
    return settings.BASE_URL + reverse("invitation", args=[token])


def opened(token: str) -> Invitation:
    """The open invitation of a link. Raises ValidationError with what to do if it is not good (any more)."""
    try:
        pk = signing.loads(token, salt=SALT, max_age=GOOD_FOR)
    except signing.BadSignature as error:
        raise ValidationError(NOT_GOOD) from error
    invitation = _good().select_related("person", "invited_by").filter(pk=pk).first()
    if invitation is None:
        raise ValidationError(NOT_GOOD)
    return invitation


def _good() -> QuerySet[Invitation]:
    """Open, and not older than a departure that has come: swept or not, only an invitation after it leads back."""
    left_since = Departure.objects.filter(
        person=OuterRef("person"), withdrawn_at=None, returned_at=None, at__lte=Now()
    ).annotate(known_at=Greatest("at", "recorded_at"))  # fmt: skip
    open_ones = Invitation.objects.filter(accepted_at=None, withdrawn_at=None, expires_at__gt=Now())
    return open_ones.exclude(Exists(left_since.filter(known_at__gt=OuterRef("invited_at"))))


NOT_GOOD = "This invitation is not good any more. It was used, replaced or is older than seven days. Ask for a new one."


@transaction.atomic
def accept(token: str, password: str) -> User:
    """The login of the invited person, with a verified address. The link works once; two clicks make one login."""
    invitation = opened(token)
    person = Person.objects.select_for_update().get(pk=invitation.person_id)
    used = _good().filter(pk=invitation.pk).update(accepted_at=Now())  # asked again, now that the person is locked
    if not used:
        raise ValidationError(NOT_GOOD)
    user = User.objects.filter(person=person).first() or User(person=person, email=person.email.lower())
    validate_password(password, user)
    _let_back(person)
    DirectoryEntry.objects.filter(person=person, active=False).update(active=True, version=F("version") + 1)
    user.email, user.is_active, user.session_epoch = person.email.lower(), True, user.session_epoch + 1
    user.set_password(password)
    user.save()
    EmailAddress.objects.filter(user=user).exclude(email=user.email).delete()
    EmailAddress.objects.update_or_create(user=user, email=user.email, defaults={"verified": True, "primary": True})
    audit.record(person, "invitation.accepted", person)
    return user


def _let_back(person: Person) -> None:
    """A departure that has come ends here, after its cleaning up: nothing of the earlier time is revived."""
    departure = Departure.objects.filter(
        person=person, withdrawn_at=None, returned_at=None, at__lte=Now()
    ).select_for_update().first()  # fmt: skip
    if departure:
        clean_up(departure)
        Departure.objects.filter(pk=departure.pk).update(returned_at=Now())


def _send(invitation: Invitation) -> None:
    who = invitation.invited_by or "Your company"
    send_mail(
        invitation.person,
        "Your invitation to Socialops",
        f"Hello {invitation.person.name},\n\n{who} invites you to Socialops, where your company’s social channels are "
        f"run. Choose a password here; the link is good once, for seven days:\n\n{LINK.format(pk=invitation.pk)}\n",
    )
