"""The cast, made through the verbs where there are verbs: alice writes, bob approves, charlie may not, dana leaves.

erin is the administrator behind everything that somebody has to allow.
"""

import itertools
from datetime import UTC, datetime, timedelta
from time import time
from typing import Any

from allauth.account.models import EmailAddress
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from accounts import people
from accounts.models import Departure, Person, User

PASSWORD = "a long sentence that nobody guesses"
_number = itertools.count(1)


def erin() -> Person:
    """The first administrator."""
    return Person.objects.filter(email="erin@example.test").first() or people.add_first_administrator(
        "Erin", "erin@example.test"
    )


def person(name: str, *roles: str, time_zone: str = "UTC", login: bool = True) -> Person:
    """Somebody of the cast, made once, with a login (no password) unless `login=False`; roles are given by erin."""
    first = erin()
    if name == "erin":
        found = first
    else:
        email = f"{name.lower().replace(' ', '.')}@example.test"
        found = Person.objects.filter(email=email).first()
        found = found or people.add_person(name.title(), email, first, time_zone=time_zone)
    for role in roles:
        people.give_role(found, role, first)
    if login:
        user(found)
    return found


def user(who: Person, password: str | None = None) -> User:
    """The person's login with a verified address, made once."""
    found = User.objects.filter(person=who).first()
    if found is None:
        found = User.objects.create_user(who.email, None, person=who)
        EmailAddress.objects.create(user=found, email=found.email, verified=True, primary=True)
    if password:
        found.set_password(password)
        found.save(update_fields=["password"])
    return found


def signed_in(who: Person) -> Client:
    """A browser in which this person is signed in."""
    client = Client()
    client.force_login(user(who))
    return client


def confirmed(who: Person) -> Client:
    """The same, and they gave their password a moment ago."""
    browser = signed_in(who)
    session = browser.session
    session["account_authentication_methods"] = [{"method": "password", "at": time(), "reauthenticated": True}]
    session["account_authentication_methods_user"] = str(user(who).pk)
    session.save()
    return browser


def departed(who: Person, ago: timedelta = timedelta(minutes=1), by: Person | None = None) -> Departure:
    """The person left `ago` ago; negative: they leave that far ahead. Nothing is swept."""
    at = (timezone.now() - ago).astimezone(UTC).replace(tzinfo=None)
    return people.mark_departed(who, at, "UTC", by or erin(), "last day")


def directory() -> dict[str, Any]:
    """A key of the directory, and something that came in with it and waits for an administrator."""
    from accounts import deciding, entrusting

    key, _ = entrusting.entrust(erin(), "scim", "Entra")
    raised = deciding.Raised("refused", "a message", "“person.leaving” about Omar came late.")
    return {"directory_key": key, "directory_matter": deciding.put_forward(raised, key)} | _leaver_list()


def _leaver_list() -> dict[str, Any]:
    from accounts import listing

    data = b"email,last day\nnobody@example.test,2027-01-15\n"
    return {"leaver_list": listing.read(erin(), SimpleUploadedFile("leavers.csv", data), "leavers.csv")}


def monday(hour: int = 9) -> datetime:
    """The coming Monday, as a naive wall time."""
    today = timezone.now().replace(hour=hour, minute=0, second=0, microsecond=0, tzinfo=None)
    return today + timedelta(days=7 - today.weekday())


def channel(network: str = "sandbox", owner: Person | None = None, handle: str = "", name: str = ""):
    """A live channel. erin registers it for its owner (default: erin)."""
    from channels_registry.models import Channel

    handle = handle or f"acme{next(_number)}"
    return Channel.objects.create(
        network=network,
        handle=handle,
        name=name or f"Acme {handle}",
        owner=owner or erin(),
        url=f"http://127.0.0.1/{handle}",
    )


def grant(channel, who: Person, entitlement: str, by: Person | None = None, **more):
    """A right in Socialops, through the ledger: viewer, author, approver, publisher, responder or manager."""
    from channels_registry import access

    return access.grant(channel, who, entitlement, by or _another_than(who), "test", **more)


def _another_than(who: Person) -> Person:
    """erin may not grant to herself, so a second administrator does."""
    return person("ines", "admin", login=False) if who == erin() else erin()
