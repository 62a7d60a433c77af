"""Telling somebody that something waits for them: in the application, and by mail if it cannot wait."""

from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.db.models.functions import Now

from accounts.models import MailDelivery, Notification, Person

BETWEEN_MAILS = timedelta(minutes=10)  # to one person; what comes meanwhile goes into one mail


@transaction.atomic
def notify(person: Person, kind: str, text: str, url: str, *, mail: bool = False) -> Notification | None:
    """One line in the person's list; with `mail` it also goes into their next mail, unless they read it before.

    `url` is a path of this application. Telling the same thing twice while the first is unread changes nothing, so
    sweeps may call this each time. Nobody who has left is told anything (None).
    """
    Person.objects.select_for_update().get(pk=person.pk)
    if Person.objects.departed().filter(pk=person.pk).exists():
        return None
    if Notification.objects.filter(person=person, kind=kind, text=text, url=url, read_at=None).exists():
        return None
    return Notification.objects.create(person=person, kind=kind, text=text, url=url, by_mail=mail)


@transaction.atomic
def read(by: Person, *pks: int) -> int:
    """Mark the person's own notifications as read: those named, or all. Returns how many were unread."""
    unread = Notification.objects.filter(person=by, read_at=None)
    if pks:
        unread = unread.filter(pk__in=pks)
    return unread.update(read_at=Now())


def gather() -> int:
    """One mail to each person who has something unread that cannot wait, with all of it. Returns how many mails."""
    waiting = Notification.objects.filter(by_mail=True, mailed_at=None, read_at=None)
    people = Person.objects.present().filter(pk__in=waiting.values("person"))
    lately = Notification.objects.filter(mailed_at__gt=Now() - BETWEEN_MAILS)
    people = people.exclude(pk__in=lately.values("person"))
    return sum(_mail_what_waits(person) for person in people[:1000])


@transaction.atomic
def _mail_what_waits(person: Person) -> bool:
    waiting = Notification.objects.select_for_update(skip_locked=True).filter(
        person=person, by_mail=True, mailed_at=None, read_at=None
    )
    lines = list(waiting.order_by("created_at"))
    if not lines:
        return False
    Notification.objects.filter(pk__in=[line.pk for line in lines]).update(mailed_at=Now())
    subject = lines[0].text if len(lines) == 1 else f"{len(lines)} things wait for you in Socialops"
    body = "\n\n".join(f"{line.text}\n{settings.BASE_URL}{line.url}" for line in lines)
    send_mail(person, subject, f"{body}\n\nEverything that waits for you: {settings.BASE_URL}/\n")
    return True


def send_mail(person: Person, subject: str, body: str) -> MailDelivery:
    """A mail that is due now; the lane `mail` sends it."""
    return _mail(person.email, subject, body, person)


def send_mail_to(address: str, subject: str, body: str) -> MailDelivery:
    """The same to somebody who has no seat here."""
    return _mail(address, subject, body, None)


def _mail(address: str, subject: str, body: str, person: Person | None) -> MailDelivery:
    one_line = " ".join(subject.split())[:200]
    return MailDelivery.objects.create(
        to=address, person=person, subject=one_line, body=body, due_at=Now(), next_attempt_at=Now()
    )
