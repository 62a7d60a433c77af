"""What a row of a file of channels asks for, and what is wrong with it: read against what stands in the register."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from accounts.models import Person
from channels_registry import networks
from channels_registry.models import AccessGrant, Channel, ChannelRow
from channels_registry.models.risk import Kind
from channels_registry.queries.columns import PEOPLE, RIGHTS
from socialops.lib.addresses import mailbox
from socialops.lib.lookalikes import in_disguise, letters, same_key
from socialops.lib.tables import LOST

YES, NO = {"yes", "y", "true", "1", "x", "ja", "oui", "si"}, {"no", "n", "false", "0", "nein", "non"}
FLAGS = ("regulated", "crisis_voice", "runs_ads")
DAYS = ("verified_since", "review_due")
CHOICES: dict[str, Iterable[tuple[str, Any]]] = {
    "kind": Kind.choices, "verification": Channel.Verification.choices, "state": Channel.State.choices,
}  # fmt: skip
TEXTS = ("name", "url", "purpose", "brand", "region", "language", "legal_entity", "time_zone", "verification_evidence",
         "closing_procedure")  # fmt: skip
FORMULA = re.compile(r"=[A-Za-z][A-Za-z.]*\(|=\$?[A-Za-z]{1,3}\$?\d|=\d")
COUNT = re.compile(r"[0-9]{1,3}([ ,.'’\u00a0\u202f][0-9]{3}){0,3}|[0-9]{1,10}")
NAMED = re.compile(r"\s*(?:(?P<name>[^<>;]*?)\s*<(?P<email>[^<>]*)>|(?P<bare>[^<>]*))\s*")


@dataclass(frozen=True)
class Somebody:
    """A person as a cell names them. `person` None: nobody here has that address yet."""

    email: str
    name: str
    person: Person | None


@dataclass
class Wish:
    """What a row says. Empty cells say nothing: what stands there already stays."""

    problems: dict[str, str] = field(default_factory=dict)
    network: str = ""
    handle: str = ""
    details: dict[str, Any] = field(default_factory=dict)
    people: dict[str, Somebody] = field(default_factory=dict)  # owner, backup_owner
    rights: dict[str, list[Somebody]] = field(default_factory=dict)

    @property
    def key(self) -> tuple[str, str]:
        return self.network, same_key(self.handle)

    def everybody(self) -> list[Somebody]:
        return [*self.people.values(), *(each for some in self.rights.values() for each in some)]


class Ground:
    """What stands in the register, for many rows: four queries. `every`: number and cells of all rows of the file."""

    def __init__(self, mapping: Mapping[str, int], every: Iterable[tuple[int, list[str]]]):
        self.mapping = mapping
        self.channels: dict[tuple[str, str], Channel] = {}
        self.looks: dict[tuple[str, str], str] = {}
        for channel in Channel.objects.exclude(state="archived"):
            self.knows_channel(channel)
        self.people: dict[str, Person] = {}
        self.mailboxes: dict[str, str] = {}
        self.mail_looks: dict[str, str] = {}
        for person in Person.objects.only("pk", "name", "email"):
            self.knows_person(person)
        self.gone = set(Person.objects.departed().values_list("pk", flat=True))
        self.grants: set[tuple[int, int, str]] = set()
        self.first_of: dict[tuple[str, str], int] = {}
        self.first_look: dict[tuple[str, str], tuple[int, str]] = {}
        self.first_name: dict[str, tuple[int, str]] = {}
        for number, cells in sorted(every):
            self._notes(number, cells)

    def knows_channel(self, channel: Channel) -> None:
        self.channels[(channel.network, same_key(channel.handle))] = channel
        self.looks[(channel.network, letters(channel.handle))] = channel.handle

    def knows_person(self, person: Person) -> None:
        email = person.email.casefold()
        self.people[email] = person
        self.mailboxes.setdefault(mailbox(email), email)
        self.mail_looks[letters(email)] = email

    def knows_grants(self, channels: Iterable[Channel]) -> None:
        """Who has which right on these. One query."""
        rights = AccessGrant.objects.standing().filter(door="right", channel__in=list(channels), person__isnull=False)
        self.grants |= set(rights.values_list("channel", "person", "entitlement"))

    def of(self, wish: Wish) -> Channel | None:
        return self.channels.get(wish.key)

    def wish(self, number: int, cells: list[str]) -> Wish:
        wish = Wish()
        self._account(wish, number, cells)
        standing = self.of(wish)
        for name in self.mapping:
            cell = self.cell(cells, name)
            if cell and name not in ("network", "handle", *PEOPLE, *RIGHTS):
                self._said(wish, name, cell, standing)
        for name in (*PEOPLE, *RIGHTS):
            self._people(wish, name, number, self.cell(cells, name))
        return wish

    def cell(self, cells: list[str], name: str) -> str:
        place = self.mapping.get(name, len(cells))
        return cells[place].replace("\r\n", "\n").replace("\r", "\n").strip() if place < len(cells) else ""

    def _notes(self, number: int, cells: list[str]) -> None:
        """Which row was the first to speak of a channel, and to call a person by a name."""
        wish = Wish()
        self._named(wish, cells)
        if wish.network and wish.handle:
            self.first_of.setdefault(wish.key, number)
            self.first_look.setdefault((wish.network, letters(wish.handle)), (number, wish.handle))
        for name in (*PEOPLE, *RIGHTS):
            for email, called in _mentions(self.cell(cells, name)):
                if called:
                    self.first_name.setdefault(email, (number, called))

    def _named(self, wish: Wish, cells: list[str]) -> None:
        said = self.cell(cells, "network").casefold()
        wish.network = next((s for s in networks.slugs() if said in (s, networks.network(s).label.casefold())), "")
        wish.handle = self.cell(cells, "handle")
        if wish.network and wish.handle.lower().startswith(("https://", "http://")):
            wish.handle = networks.network(wish.network).handle_at(wish.handle)

    def _account(self, wish: Wish, number: int, cells: list[str]) -> None:
        self._named(wish, cells)
        said, handle = self.cell(cells, "network"), self.cell(cells, "handle")
        if not wish.network:
            known = ", ".join(networks.network(slug).label for slug in networks.slugs())
            words = f"“{said[:40]}” is not a network Socialops knows." if said else "Say on which network it is."
            wish.problems["network"] = f"{words} Use one of: {known}."
        if not handle or not wish.handle:
            words = "This address names no account. Write the handle." if handle else "Say which account it is."
            wish.problems["handle"] = words
        elif problem := self._wrong_handle(wish, number):
            wish.problems["handle"] = problem
        elif (first := self.first_of.get(wish.key, number)) < number:
            wish.problems["handle"] = f"Row {first} is this channel already. Keep one of the two."

    def _wrong_handle(self, wish: Wish, number: int) -> str:
        if LOST in wish.handle:
            return _lost()
        if any(sign.isspace() for sign in wish.handle) or wish.handle.startswith("="):
            return "A handle has no spaces and is no formula. Write it as it stands on the network."
        if wish.key in self.channels:
            return ""
        if other := self.looks.get((wish.network, letters(wish.handle))):
            return f"It looks like {other}, which is registered, with other letters. Write it anew, or report it."
        first, other = self.first_look.get((wish.network, letters(wish.handle)), (number, wish.handle))
        if first < number and same_key(other) != wish.key[1]:
            return f"It looks like {other} in row {first}, with other letters. Write it anew, or report it."
        return "Letters of two alphabets are in it, as impostors do. Write it anew." if in_disguise(wish.handle) else ""

    def _said(self, wish: Wish, name: str, cell: str, standing: Channel | None) -> None:
        if name in TEXTS and standing is not None and cell == getattr(standing, name).strip():
            wish.details[name] = getattr(standing, name)  # whatever it is, it stands there already
            return
        try:
            wish.details[name] = _value(name, cell)
        except ValueError as error:
            wish.problems[name] = str(error)

    def _people(self, wish: Wish, name: str, number: int, cell: str) -> None:
        found = []
        for email, called in _mentions(cell):
            if problem := self._wrong_person(email, called, number):
                wish.problems[name] = problem
                return
            found.append(Somebody(email, called, self.people.get(email)))
        if name in RIGHTS:
            wish.rights[name] = list({each.email: each for each in found}.values())
        elif len(found) > 1:
            wish.problems[name] = "Name one person here."
        elif found:
            wish.people[name] = found[0]

    def _wrong_person(self, email: str, called: str, number: int) -> str:
        if LOST in email + called:
            return _lost()
        looks, same = self.mail_looks.get(letters(email), email), self.mailboxes.get(mailbox(email), email)
        if looks != email and email not in self.people:
            return f"{email} looks like {looks}, but other letters are in it. Write the address anew."
        try:
            validate_email(email)
        except ValidationError:
            return f"“{email[:60]}” is not an e-mail address. People are named by theirs."
        if same != email and email not in self.people:
            return f"{email} reaches the same person as {same}. Write that one."
        person, (first, name) = self.people.get(email), self.first_name.get(email, (number, called))
        if person and called and called_alike(called) != called_alike(person.name):
            return f"{email} is {person.name} here, and {called} in this row. Write one name."
        if called and first < number and called_alike(called) != called_alike(name):
            return f"{email} is {name} in row {first}, and {called} in this one. Write one name."
        return ""


def rows_of(rows: Iterable[ChannelRow]) -> list[tuple[int, list[str]]]:
    return [(row.number, row.cells) for row in rows]


def called_alike(name: str) -> str:
    """A name as it is compared: no signs that an address is written with, no capitals."""
    return " ".join(re.sub(r"[<>;,\"]", " ", name).split()).casefold()


def written(person: Person) -> str:
    """As an export names somebody."""
    name = " ".join(re.sub(r"[<>;,\"]", " ", person.name).split())
    return f"{name} <{person.email}>" if name else person.email


def _mentions(cell: str) -> list[tuple[str, str]]:
    """(address in small letters, name or "") for each in “Ana Lima <ana@x.com>; bo@x.com”."""
    found = []
    for part in re.split(r"[;,\n]", cell):
        if part.strip() and (named := NAMED.fullmatch(part)):
            email = named["email"] if named["email"] is not None else named["bare"]
            found.append((email.strip().casefold(), " ".join((named["name"] or "").split())))
        elif part.strip():
            found.append((part.strip().casefold(), ""))
    return found


def _lost() -> str:
    return f"Characters that could not be read show as {LOST}. Correct them, or choose another encoding."


def _value(name: str, cell: str) -> Any:
    """What the verb takes. Raises ValueError with words."""
    if LOST in cell:
        raise ValueError(_lost())
    if FORMULA.match(cell):
        raise ValueError("This is a formula, and none is calculated here. Write what it comes to.")
    if name in FLAGS:
        return _flag(cell)
    if name in DAYS:
        return _day(cell)
    if name == "audience_size":
        return _count(cell)
    if name in CHOICES:
        return _choice(CHOICES[name], cell)
    return cell


def _flag(cell: str) -> bool:
    if cell.casefold() in YES | NO:
        return cell.casefold() in YES
    raise ValueError(f"“{cell[:40]}” is neither yes nor no.")


def _day(cell: str) -> date:
    german = re.fullmatch(r"(\d{1,2})\.(\d{1,2})\.(\d{4})", cell)
    try:
        return date(int(german[3]), int(german[2]), int(german[1])) if german else date.fromisoformat(cell)
    except ValueError as error:
        raise ValueError(f"“{cell[:40]}” is not a day. Write it as 2026-11-23.") from error


def _count(cell: str) -> int:
    if not COUNT.fullmatch(cell) or (number := int(re.sub(r"\D", "", cell))) > 2_147_483_647:
        raise ValueError(f"“{cell[:40]}” is not a number of followers. Write it as 12500.")
    return number


def _choice(choices: Iterable[tuple[str, Any]], cell: str) -> str:
    for value, label in choices:
        if cell.casefold() in (value, str(label).casefold(), "yes" if value == "yes" else value):
            return value
    raise ValueError(f"Use one of: {', '.join(str(label) for _, label in choices)}.")
