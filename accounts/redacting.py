"""Erasing a person from what is known here, where nothing obliges the company to keep it. Governance decides when.

The events of the trail stay: what they say of the person gives way to its commitment, so that every hash stays true,
online and offline. Which events, which fields and when stands in events of its own.
"""

import json
import re
from collections.abc import Callable

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.db import connection
from django.db.models import Q, QuerySet, TextField
from django.db.models.functions import Cast

from accounts import audit, verifying
from accounts.chaining import as_dict
from accounts.models import Absence, AuditEvent, MailDelivery, Notification, Person, User
from accounts.verifying import ERASED

audit.register("person.redacted", "erased a person from events of the trail")

LOT = 500  # events that one event says to be erased
OVER = ("done", "failed", "missed", "cancelled")
ABOUT = ("before", "after", "email", "name", "title")  # data of events about the person that are about them


def names_of(person: Person) -> set[str]:
    """Every name and address that the trail knows them by."""
    known = {person.name, person.email}
    known |= set(AuditEvent.objects.filter(actor=person).values_list("actor_label", flat=True).distinct())
    mine = AuditEvent.objects.filter(subject_type="person", subject_id=str(person.pk))
    for label, data in mine.values_list("subject_label", "data"):
        known.add(label)
        for values in (data, data.get("before"), data.get("after")):
            if isinstance(values, dict):
                known |= {values[name] for name in ("name", "email") if isinstance(values.get(name), str)}
    return {each for each in known if len(each) > 2 and each != ERASED}


def events_of(person: Person, words: set[str]) -> QuerySet[AuditEvent]:
    """The sealed events that name them: what they did, what was done to them, and what else says their name."""
    named = Q(actor=person) | Q(subject_type="person", subject_id=str(person.pk))
    for word in _theirs_alone(person, words):
        named |= Q(subject_label__icontains=word) | Q(said__icontains=word)
    return AuditEvent.objects.filter(seal__isnull=False).annotate(said=Cast("data", TextField())).filter(named)


def redact(person: Person, words: set[str]) -> int:
    """Erase them from the trail, a lot of events at a time, each told by an event of its own, which names them no more.
    Returns how many events. `words` is what names_of said before they were forgotten.
    """
    done = 0
    mine = _theirs_alone(person, words)
    last = 0
    while lot := list(events_of(person, words).filter(pk__gt=last).select_related("redaction").order_by("pk")[:LOT]):
        last = lot[-1].pk
        paths = {event: found for event in lot if (found := _to_erase(event, person, words, mine))}
        if paths:
            _erase(person, paths)
            done += len(paths)
    return done


def _theirs_alone(person: Person, words: set[str]) -> set[str]:
    """Those that are no part of somebody else's name: “Dana” is not erased from what Dana Smith did."""
    others = Person.objects.exclude(pk=person.pk)
    return {each for each in words if not others.filter(Q(name__icontains=each) | Q(email__icontains=each)).exists()}


def _to_erase(event: AuditEvent, person: Person, words: set[str], mine: set[str]) -> list[str]:
    about = event.subject_type == "person" and event.subject_id == str(person.pk)
    says = _says(words if about or event.actor_id == person.pk else mine)
    found = ["actor_label"] if event.actor_id == person.pk else []
    if about or says(event.subject_label):
        found.append("subject_label")
    for name, value in event.data.items():
        if (about and name in ABOUT) or says(json.dumps(value, ensure_ascii=False)):
            found.append(f"data.{name}")
    values = verifying.personal(as_dict(event))
    return [path for path in found if values[path] != ERASED]


def _says(words: set[str]) -> Callable[[str], bool]:
    """Whether a text has one of these as words of its own: “Ann” is not in “Channel”."""
    any_of = "|".join(re.escape(each) for each in sorted(words, key=len, reverse=True))
    found = re.compile(rf"(?<!\w)(?:{any_of})(?!\w)", re.IGNORECASE)
    return lambda text: bool(words) and found.search(text) is not None


def _erase(person: Person, paths: dict[AuditEvent, list[str]]) -> None:
    listed, rows = {}, []
    for event, gone in paths.items():
        whole = as_dict(event)
        known = getattr(event, "redaction", None)
        gone = sorted({*gone, *(known.fields if known else {})})
        old = known.was if known else ("" if whole["salt"] else verifying.digest(whole))
        commitments = {} if old else verifying.commitments(whole)
        keys = known.keys if known else {path: verifying.blinding(whole["salt"], path) for path in commitments}
        fields = {path: commitments.get(path, "") for path in gone}
        rows.append((event.pk, fields, {path: key for path, key in keys.items() if path not in fields}, old))
        listed[str(event.pk)] = {"fields": gone} | (
            {"rest": verifying.plain_digest(_blanked(whole, gone))} if old else {}
        )
    audit.record(None, "person.redacted", person, events=listed)
    by = AuditEvent.objects.filter(action="person.redacted", subject_id=str(person.pk)).latest("pk")
    with connection.cursor() as cursor:
        for pk, fields, keys, old in rows:
            cursor.execute(
                "SELECT accounts_redact(%s, %s, %s, %s, %s)", [pk, by.pk, json.dumps(fields), json.dumps(keys), old]
            )
        cursor.execute("SELECT accounts_blank(%s)", [[pk for pk, *_ in rows]])


def _blanked(event: dict, gone: list[str]) -> dict:
    labels = {name: ERASED if name in gone else event[name] for name in ("actor_label", "subject_label")}
    data = {name: ERASED if f"data.{name}" in gone else value for name, value in event["data"].items()}
    return {**event, **labels, "data": data}


def forget_person(person: Person) -> dict[str, int]:
    """Their name, address and logins, and what was sent to them. Returns how many rows of each went."""
    gone = {
        "notifications": Notification.objects.filter(person=person).delete()[0],
        "mails": MailDelivery.objects.filter(Q(person=person) | Q(to__iexact=person.email), state__in=OVER).delete()[0],
        "absences": Absence.objects.filter(person=person).delete()[0],
    }
    for user in User.objects.filter(person=person):
        gone["sessions and sign-in methods"] = sum(rows.delete()[0] for rows in _ways_in(user))
        user.email, user.is_active = f"erased-{person.pk}@erased.invalid", False
        user.set_unusable_password()
        user.save(update_fields=["email", "is_active", "password"])
    Person.objects.filter(pk=person.pk).update(
        name=f"Erased person {person.pk}", email=f"erased-{person.pk}@erased.invalid", title=""
    )
    return gone


def count_of(person: Person) -> int:
    """How many rows of one's own forget_person deletes, for the dry run."""
    mails = MailDelivery.objects.filter(Q(person=person) | Q(to__iexact=person.email), state__in=OVER)
    rows: list[QuerySet] = [Notification.objects.filter(person=person), mails, Absence.objects.filter(person=person)]
    for user in User.objects.filter(person=person):
        rows += _ways_in(user)
    return sum(found.count() for found in rows)


def _ways_in(user: User) -> list[QuerySet]:
    return [model.objects.filter(user=user) for model in (UserSession, Authenticator, EmailAddress)]
