"""The lane of mails: handed to the mail server at most once, because a mail cannot be looked for."""

import asyncio
import smtplib
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from django.conf import settings
from django.core.mail import EmailMessage, get_connection
from django.urls import reverse

from accounts import inviting
from accounts.models import Invitation, MailAttempt, MailDelivery, Role
from accounts.notifying import notify
from accounts.permissions import people_with_role
from socialops.lib.delivery.lane import Done, Errors, Lane, Settled

LATE_AFTER = 6 * 3600.0  # seconds; longer than most outages, so that what waited leaves when one is over
PATIENCE = 20  # seconds for the mail server to answer
TEMPORARY = range(400, 500)
PLACES = 8
_threads = ThreadPoolExecutor(PLACES, "mail")  # its own: a mail server that hangs must not hold up webhooks beside it


@dataclass(eq=False)
class MailError(Exception):
    """`reason` is for people; `status` is what the mail server said."""

    reason: str
    detail: str = ""
    status: int | None = None


class Refused(MailError):
    """The server took none of it and would not take it again."""


class Later(MailError):
    """The server took none of it, and may later."""


def load(ids: Sequence[int], client: object) -> Mapping[int, EmailMessage]:
    """The mails, with the links that are never stored put in."""
    rows = MailDelivery.objects.filter(pk__in=ids)
    return {row.pk: _message(row, _body(row)) for row in rows}


async def send(message: EmailMessage) -> Done:
    return await asyncio.get_running_loop().run_in_executor(_threads, _hand_over, message)


def settled(rows: Sequence[Settled]) -> None:
    """An administrator has to know of a mail that nobody may ever have got."""
    failed = [row for row in rows if row.state in ("failed", "needs_human", "blocked")]
    if failed:
        for administrator in people_with_role(Role.ADMIN):
            notify(
                administrator, "mail.trouble", "A mail was not delivered, or may not have been.", reverse("mail_list")
            )


def _hand_over(message: EmailMessage) -> Done:
    """Connecting and sending are apart: before the first word about this mail, nothing can have been sent."""
    server = get_connection(timeout=PATIENCE) if "smtp" in settings.EMAIL_BACKEND else get_connection()
    try:
        server.open()
    except (OSError, smtplib.SMTPException) as error:
        raise Later("The mail server cannot be reached.", repr(error)) from error
    try:
        server.send_messages([message])
    except smtplib.SMTPRecipientsRefused as error:
        code, words = next(iter(error.recipients.values()), (550, b""))
        raise _told(code, words) from error
    except (smtplib.SMTPSenderRefused, smtplib.SMTPDataError, smtplib.SMTPHeloError) as error:
        raise _told(error.smtp_code, error.smtp_error) from error
    finally:
        _close(server)
    return Done(remote_id=message.extra_headers["Message-ID"])


def _close(server) -> None:
    try:
        server.close()
    except (OSError, smtplib.SMTPException):
        return  # it said what it had to say before


def _told(code: int, words: bytes | str) -> MailError:
    text = words.decode(errors="replace") if isinstance(words, bytes) else str(words)
    kind = Later if code in TEMPORARY else Refused
    return kind(f"The mail server said: {code} {text[:200]}", text, code)


def _message(row: MailDelivery, body: str) -> EmailMessage:
    host = settings.BASE_URL.split("://", 1)[-1].split("/")[0].split(":")[0]
    headers = {"Message-ID": f"<{row.key}@{host}>", "Auto-Submitted": "auto-generated"}
    return EmailMessage(row.subject, body, settings.DEFAULT_FROM_EMAIL, [row.to], headers=headers)


FILLERS: list[Callable[[MailDelivery, str], str]] = []  # of other apps: each puts in what is never stored


def _body(row: MailDelivery) -> str:
    body = _with_invitations(row)
    for fill_in in FILLERS:
        body = fill_in(row, body)
    return body


def _with_invitations(row: MailDelivery) -> str:
    if "[invitation:" not in row.body or row.person_id is None:
        return row.body
    body = row.body
    for invitation in Invitation.objects.filter(person=row.person_id):
        body = body.replace(inviting.LINK.format(pk=invitation.pk), inviting.link(invitation))
    return body


LANE = Lane(
    name="mail",
    model=MailDelivery,
    attempts=MailAttempt,
    load=load,
    send=send,
    errors=Errors(refused=(Refused,), later=(Later,)),
    settled=settled,
    places=PLACES,
    late_after=LATE_AFTER,
)
