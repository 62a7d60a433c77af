"""People as the company's directory says they are: brought in, changed, let go, said to be back.

Leaving takes effect at once; nothing ever comes back by itself. A directory that says that somebody is back gets its
word kept and put before the administrators, who invite them. A login's e-mail is its person's, never the directory's.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, transaction
from django.db.models import Q
from django.db.models.functions import Now

from accounts import audit, deciding, departing, entrusting, moving
from accounts.models import Departure, DirectoryEntry, DirectoryKey, DirectoryMatter, Person, User
from accounts.permissions import administrators_in_turn, is_present
from accounts.queries.directory import Known, known_people
from socialops.lib.lookalikes import key as name_key
from socialops.lib.lookalikes import letters
from socialops.lib.wall_clock import known_time_zone

LOCK = 7_301_984_231  # names_in_turn
Kind = DirectoryMatter.Kind

audit.register("directory.said", "took over what the directory says of somebody")
audit.register("directory.removed", "was told by the directory that it knows somebody no longer")
audit.register("directory.said_back", "was told by the directory that somebody is back")


@dataclass(frozen=True)
class Wish:
    """What the directory says of somebody. `active` None: nothing. `said`: its other attributes as it wrote them."""

    user_name: str
    email: str
    addresses: tuple[str, ...] = ()
    name: str = ""
    title: str = ""
    time_zone: str = ""
    manager: str = ""
    external_id: str = ""
    active: bool | None = None
    said: dict[str, Any] = field(default_factory=dict)


class Taken(ValidationError):
    """Somebody has this name or address, or one that looks like it."""

    raised: deciding.Raised | None = None


class Refused(ValidationError):
    """It is not done, and a person has to look at it."""

    def __init__(self, raised: deciding.Raised):
        super().__init__(raised.words)
        self.raised = raised


MOST_SAID, LONGEST_NAME = 65_536, 255  # bytes of JSON; characters of a name or an id of the directory's


@transaction.atomic
def bring_in(key: DirectoryKey, wish: Wish) -> Known:
    """Somebody new. Raises Taken for one who is here already, under this name or one that only looks different.

    Whom the directory had deleted comes back as the person they were, who has left until somebody invites them.
    """
    names_in_turn()
    key = entrusting.locked_and_live(key)
    entrusting.require_answerable(key)
    deleted = _deleted_before(wish)
    _refuse_taken(wish, deleted)
    if deleted:
        return _bring_back(key, deleted, wish)
    person = _made(wish)
    entry = DirectoryEntry(person=person, made_at=Now())
    _write(entry, key, wish, active=wish.active is not False)
    audit.record(None, "person.added", person, email=person.email, **key.provenance())
    return locked(person.pk)


@transaction.atomic
def revise(key: DirectoryKey, pk: int, change: Callable[[Known], Wish]) -> Known:
    """All that the directory says of them now: `change` is asked with the row locked, and may refuse by raising.

    Letting go comes first, so that nothing else in the request delays it.
    """
    key, known = _begin(key, pk)
    wish = change(known)
    if wish.active is False:
        deciding.settle_by_itself(known.person, Kind.BACK)
        if known.present and (known.active or hasattr(known.person, "user")):
            _let_go(key, known)
        if not is_present(key.answerable):
            return locked(pk)
    entrusting.require_answerable(key)
    _refuse_taken(wish, known.person)
    entry = known.entry or DirectoryEntry(person=known.person, made_at=Now())
    back = wish.active is True and not known.active
    if back:
        _refuse_another_address(known.person, wish)
    changed = _take_over(key, known.person, wish)
    if back:
        _said_back(key, known.person)  # first: its cleaning up takes the entry for inactive
    elif changed:
        audit.record(None, "directory.said", known.person, changed=changed, **key.provenance())
    _write(entry, key, wish, active=wish.active if wish.active is not None else entry.active)
    return locked(pk)


@transaction.atomic
def remove(key: DirectoryKey, pk: int, check: Callable[[Known], object]) -> None:
    """The directory deletes somebody: they leave now. The person of record stays, with all that was ever done."""
    key, known = _begin(key, pk)
    check(known)
    if known.present:
        _let_go(key, known)
    name = known.person.email
    entry = known.entry or DirectoryEntry(
        person=known.person, made_at=Now(), user_name=name, user_name_key=name_key(name),
        user_name_skeleton=letters(name),
    )  # fmt: skip
    entry.active, entry.deleted_at, entry.changed_at, entry.changed_by = False, Now(), Now(), key
    entry.version, entry.generation = entry.version + 1, entry.generation + 1
    entry.save()
    audit.record(None, "directory.removed", known.person, **key.provenance())


def _begin(key: DirectoryKey, pk: int) -> tuple[DirectoryKey, Known]:
    """The locks of whatever the directory changes, always in this order: names, administrators, key, person."""
    names_in_turn()
    administrators_in_turn()
    return entrusting.locked_and_live(key), locked(pk)


def locked(pk: int) -> Known:
    """The person as the directory sees them, until this transaction ends."""
    Person.objects.select_for_update(no_key=True).get(pk=pk)
    return known_people(deleted=True).get(pk=pk)


def names_in_turn() -> None:
    """Until this transaction ends nobody else takes a name: what only looks alike, no unique index sees."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])


def _let_go(key: DirectoryKey, known: Known) -> None:
    person = known.person
    try:
        departing.announce_departure(person, departing.wall_now(), "UTC", key, f"Said by {key.name}")
    except departing.TooMany as error:
        words = " ".join(error.messages)
        raise Refused(deciding.Raised(Kind.TOO_MANY, f"{person.pk}", words, person)) from error
    except departing.LastAdministrator as error:
        words = f"{key} says that {person} is out, but {person} is the only administrator who stays. "
        words += "Make somebody else administrator, then decide."
        raise Refused(deciding.Raised(Kind.LAST_ADMIN, f"{person.pk}", words, person)) from error


def _said_back(key: DirectoryKey, person: Person) -> None:
    """Whoever had left stays out: what they had is cleaned up now, and an administrator may invite them."""
    departure = Departure.objects.filter(person=person, withdrawn_at=None, returned_at=None, at__lte=Now()).first()
    audit.record(None, "directory.said_back", person, **key.provenance())
    if departure is None:
        return
    departing.clean_up(departure)
    words = f"{key} says that {person} is back. Nothing came back with that: invite them if they are to sign in again."
    deciding.put_forward(deciding.Raised(Kind.BACK, f"{person.pk}", words, person), key)


def _bring_back(key: DirectoryKey, person: Person, wish: Wish) -> Known:
    known = locked(person.pk)
    _refuse_another_address(person, wish)
    _take_over(key, person, wish)
    entry = known.entry
    if entry is None:
        raise Taken(f"{person.email} belongs to somebody who is here already.")
    if wish.active is not False:
        _said_back(key, person)
    entry.deleted_at, entry.made_at = None, Now()
    _write(entry, key, wish, active=wish.active is not False)
    return locked(person.pk)


def _made(wish: Wish) -> Person:
    person = Person(name=wish.name[:120], email=wish.email.strip().lower(), title=wish.title[:120])
    person.time_zone = wish.time_zone if _is_zone(wish.time_zone) else "UTC"
    person.manager = _manager(wish.manager)
    _save(person)
    return person


def _take_over(key: DirectoryKey, person: Person, wish: Wish) -> list[str]:
    """Write what the directory says into the person; returns what changed. A login's e-mail never does."""
    before = {name: getattr(person, name) for name in ("name", "title", "time_zone", "manager_id", "email")}
    person.name, person.title = wish.name[:120], wish.title[:120]
    person.time_zone = wish.time_zone if _is_zone(wish.time_zone) else person.time_zone
    manager = _manager(wish.manager)
    if manager != person:
        person.manager = manager or person.manager
    email = wish.email.strip().lower()
    if name_key(email) != name_key(person.email):
        if User.objects.filter(person=person).exists():
            words = f"{key} says that the e-mail of {person} is {email}. Their login stays {person.email}."
            deciding.put_forward(
                deciding.Raised(Kind.ADDRESS, f"{person.pk} {email}", words, person, {"email": email}), key
            )
        else:
            person.email = email
    _save(person)
    moving.note_manager(person, before["manager_id"], key)
    return sorted(name.removesuffix("_id") for name, value in before.items() if getattr(person, name) != value)


def _save(person: Person) -> None:
    person.full_clean(validate_unique=False)
    try:
        with transaction.atomic():
            person.save()
    except IntegrityError as error:  # somebody added them by hand at this moment
        raise Taken(f"{person.email} belongs to somebody who is here already.") from error


def _write(entry: DirectoryEntry, key: DirectoryKey, wish: Wish, active: bool) -> None:
    if max(len(wish.user_name), len(wish.external_id)) > LONGEST_NAME:
        raise ValidationError(f"userName and externalId have at most {LONGEST_NAME} characters.")
    if len(json.dumps(wish.said)) > MOST_SAID:
        raise ValidationError(f"All attributes of somebody together have at most {MOST_SAID:,} characters.")
    entry.user_name, entry.external_id = wish.user_name, wish.external_id
    entry.user_name_key, entry.user_name_skeleton = name_key(wish.user_name), letters(wish.user_name)
    entry.said, entry.active = wish.said, active
    entry.addresses = sorted({name_key(each) for each in (*wish.addresses, wish.email)})
    entry.changed_at, entry.changed_by = Now(), key
    entry.version = 1 if entry._state.adding else entry.version + 1
    entry.save()


def _deleted_before(wish: Wish) -> Person | None:
    names = {name_key(wish.user_name), name_key(wish.email)}
    found = DirectoryEntry.objects.exclude(deleted_at=None).select_related("person")
    entry = found.filter(Q(user_name_key__in=names) | Q(person__email__in=names)).order_by("-deleted_at").first()
    return entry.person if entry else None


def _refuse_taken(wish: Wish, but: Person | None) -> None:
    """Nobody else may have the name or address, in any case or width, nor one that only looks like it."""
    names = {name_key(wish.user_name), name_key(wish.email)}
    looks = {letters(wish.user_name), letters(wish.email)}
    others = Person.objects.exclude(pk=but.pk) if but else Person.objects.all()
    alive = Q(entry__deleted_at=None)
    same = Q(email__in=names) | alive & Q(entry__user_name_key__in=names)
    if found := others.filter(same).first():
        raise Taken(f"{wish.user_name} is taken: {found.name} is here under it. Find them by a filter and change them.")
    alike = Q(email__in=looks) | alive & Q(entry__user_name_skeleton__in=looks)
    if found := others.filter(alike).first():
        words = (
            f"“{wish.user_name}” ({wish.email}) looks like {found.name} ({found.email}), but has letters of another "
            "alphabet. Correct it in the directory; if it is somebody else, an administrator adds them by hand."
        )
        error = Taken(words)
        error.raised = deciding.Raised(Kind.TWIN, f"{found.pk} {name_key(wish.user_name)}"[:120], words, found)
        raise error


def _refuse_another_address(person: Person, wish: Wish) -> None:
    """Somebody who comes back is who they were. Another e-mail at that moment would let in another person."""
    login = User.objects.filter(person=person).first()
    if login and name_key(wish.email) not in {name_key(login.email), name_key(person.email)}:
        words = (
            f"{person} has a login as {login.email} and is said to be back as {wish.email}. Bring them back under the "
            "same e-mail, or as somebody new; an administrator decides which."
        )
        raise Refused(deciding.Raised(Kind.ADDRESS, f"{person.pk} {wish.email}"[:120], words, person))


def _manager(said: str) -> Person | None:
    """By the id that the directory was given here; what it calls somebody otherwise is kept, and nobody."""
    pk = said.partition("-")[0]
    return Person.objects.filter(pk=int(pk)).first() if pk.isascii() and pk.isdecimal() and len(pk) < 19 else None


def _is_zone(name: str) -> bool:
    try:
        known_time_zone(name)
    except ValidationError:
        return False
    return True
