"""What each row of a file of leavers means, and what is wrong with it. Nothing is changed here."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from difflib import get_close_matches

from django.core.exceptions import ValidationError

from accounts.models import Departure, DirectoryEntry, LeaverList, Person, Role, RoleAssignment
from accounts.queries import another_administrator, quiet_to
from socialops.lib import wall_clock
from socialops.lib.lookalikes import key, letters

FIELDS = {
    "email": "E-mail", "last_day": "Last day", "time": "Time", "time_zone": "Time zone", "name": "Name",
    "reason": "Reason",
}  # fmt: skip
NEEDED = ("email", "last_day")
GUESSES = {
    "email": ("email", "mail", "workemail", "emailaddress", "username", "login", "upn"),
    "last_day": ("lastday", "lastworkingday", "leavingdate", "enddate", "terminationdate", "leaves", "date"),
    "time": ("time", "hour", "at"),
    "time_zone": ("timezone", "zone", "tz"),
    "name": ("name", "fullname", "employee", "person", "displayname"),
    "reason": ("reason", "why", "note"),
}
SUGGESTED = 200  # rows for which somebody is suggested; looking through thousands would take minutes
AHEAD = timedelta(days=730)


@dataclass
class Meant:
    """One row, understood as far as it goes."""

    number: int
    problems: dict[str, str] = field(default_factory=dict)
    person: Person | None = None
    wall: datetime | None = None
    time_zone: str = ""
    at: datetime | None = None
    reason: str = ""
    plan: str = ""


def guessed(headers: list[str]) -> dict[str, int]:
    """Which column stands for which field, by its name."""
    plain = [re.sub(r"[^a-z]", "", header.lower()) for header in headers]
    found = {}
    for name, words in GUESSES.items():
        place = next((plain.index(word) for word in words if word in plain), None)
        if place is not None and place not in found.values():
            found[name] = place
    return found


def problems_of_mapping(mapping: Mapping[str, int]) -> dict[str, str]:
    missing = {name: "Say in which column this stands." for name in NEEDED if name not in mapping}
    twice = len(set(mapping.values())) < len(mapping)
    return missing or ({"email": "One column stands for two fields. Choose another for one."} if twice else {})


def judged(of: LeaverList, by: Person, rows: Iterable[tuple[int, list[str], str]]) -> list[Meant]:
    """Each row (its number, its cells, what reading it said) with what it means. Five queries, however many rows."""
    known, now = _Known(by), wall_clock.database_now()
    first: dict[int, int] = {}
    meant = []
    for number, cells, problem in rows:
        row = Meant(number)
        if problem:
            row.problems["row"] = problem
        else:
            said = {name: cells[at].strip() if at < len(cells) else "" for name, at in of.mapping.items()}
            _who(row, said, known, by)
            _when(row, said, of.time_zone, now)
            row.reason = said.get("reason", "")[:200]
            if row.person and first.setdefault(row.person.pk, number) != number:
                row.problems["email"] = f"Row {first[row.person.pk]} says the same of {row.person}. Keep one of them."
        if not row.problems and row.person:
            _against(row, known)
        meant.append(row)
    return meant


class _Known:
    """Everybody, by every address and name that they are known by."""

    def __init__(self, by: Person):
        people = list(Person.objects.only("name", "email"))
        self.people = {each.pk: each for each in people}
        self.by_mail = {key(each.email): each for each in people}
        said = DirectoryEntry.objects.filter(deleted_at=None).values_list("person_id", "addresses", "user_name_key")
        for pk, addresses, user_name in said:
            for address in (*addresses, user_name):
                self.by_mail.setdefault(address, self.people[pk])
        self.by_look = {letters(mail): each for mail, each in self.by_mail.items()}
        self.by_name: dict[str, list[Person]] = {}
        for each in people:
            self.by_name.setdefault(key(each.name), []).append(each)
        standing = Departure.objects.filter(withdrawn_at=None, returned_at=None)
        standing = standing.exclude(pk__in=quiet_to(by).values("pk"))
        self.leaving = dict(standing.values_list("person_id", "at"))
        admins = RoleAssignment.objects.filter(role=Role.ADMIN, ended_at=None)
        self.admins = set(admins.values_list("person_id", flat=True))
        self.suggested = 0

    def like(self, mail: str, name: str) -> list[Person]:
        """Whom the file may mean: of the same name, the same letters before the @, or nearly that."""
        self.suggested += 1
        if self.suggested > SUGGESTED:
            return []
        named = self.by_name.get(key(name), []) if name else []
        close = get_close_matches(key(mail), [each for each in self.by_mail if each[:2] == key(mail)[:2]], 2, 0.8)
        local = [each for each in self.by_mail if each.partition("@")[0] == key(mail).partition("@")[0]][:2]
        found = [*named, *(self.by_mail[each] for each in (*close, *local))]
        return list({each.pk: each for each in found}.values())[:3]


def _who(row: Meant, said: dict[str, str], known: _Known, by: Person) -> None:
    mail, name = said.get("email", ""), said.get("name", "")
    if not mail:
        row.problems["email"] = "This is missing."
        return
    row.person = known.by_mail.get(key(mail))
    if row.person is None and (alike := known.by_look.get(letters(mail))):
        row.problems["email"] = (
            f"This looks like {alike.email} ({alike}), but has letters of another alphabet. Type it anew."
        )
    elif row.person is None:
        likely = " or ".join(f"{each.email} ({each})" for each in known.like(mail, name))
        row.problems["email"] = f"Nobody here has this address. Do you mean {likely}?" if likely else (
            "Nobody here has this address. Correct it, or leave the row out."
        )  # fmt: skip
    elif row.person == by:
        row.problems["email"] = "This is you. Another administrator records your departure."
    elif name and not _same_name(name, row.person.name):
        row.problems["name"] = f"{mail} is {row.person} here. Correct the name or the address."


def _same_name(said: str, known: str) -> bool:
    """They have a word in common: “Lind, Nora” and “Nora Lind-Berg”, never “Bob Miller”."""
    words = [set(re.findall(r"\w{2,}", key(each))) for each in (said, known)]
    return bool(words[0] & words[1]) or key(said) == key(known)


def _when(row: Meant, said: dict[str, str], zone: str, now: datetime) -> None:
    row.time_zone = said.get("time_zone", "") or zone
    day, clock = _day(said.get("last_day", "")), _time(said.get("time", ""))
    if day is None:
        row.problems["last_day"] = "Write the day as 2027-03-28." if said.get("last_day") else "This is missing."
    if clock is None:
        row.problems["time"] = "Write the time as 17:30."
    if day is None or clock is None:
        return
    whole = not said.get("time", "")
    row.wall = datetime.combine(day + timedelta(days=1) if whole else day, clock)
    try:
        reading = wall_clock.read(row.wall, row.time_zone)
    except ValidationError as error:
        row.problems["last_day" if error.code == "far" else "time_zone"] = " ".join(error.messages)
        return
    row.at = reading.instant
    if reading.skipped:
        row.problems["time"] = (
            f"{row.wall:%H:%M} does not exist in {row.time_zone} that day: the clocks skip it. The next time that "
            f"exists is {reading.wall(row.time_zone):%H:%M}."
        )
    elif reading.twice:
        row.problems["time"] = f"{row.wall:%H:%M} comes twice in {row.time_zone} that day. Write another minute."
    elif reading.instant > now + AHEAD:
        row.problems["last_day"] = "That is more than two years ahead. Check the year."
    elif reading.instant <= now:
        row.problems["last_day"] = "That is past. Write a time ahead, or record it on the page of the person."


def _against(row: Meant, known: _Known) -> None:
    """What is here already: the same departure, another, or nobody who would be administrator."""
    if row.person is None or row.at is None:
        return
    standing = known.leaving.get(row.person.pk)
    if standing == row.at:
        row.plan = "nothing"
    elif standing is not None:
        words = f"{standing.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
        row.problems["last_day"] = f"{row.person} has a departure already, at {words}. Withdraw it first to change it."
    elif row.person.pk in known.admins and not another_administrator(row.person):
        row.problems["email"] = f"{row.person} is the only administrator who stays. Make somebody else one first."
    else:
        row.plan = "leave"


def _day(said: str) -> date | None:
    """2027-03-28, with or without a midnight that a spreadsheet put there, or 28.03.2027."""
    plain = re.sub(r"[T ]0?0:00(:00)?$", "", said.strip())
    if found := re.fullmatch(r"(\d{4})-(\d{1,2})-(\d{1,2})", plain):
        year, month, day = found.groups()
    elif found := re.fullmatch(r"(\d{1,2})\.(\d{1,2})\.(\d{4})", plain):
        day, month, year = found.groups()
    else:
        return None
    try:
        return date(int(year), int(month), int(day))
    except ValueError:
        return None


def _time(said: str) -> time | None:
    if not said:
        return time()
    found = re.fullmatch(r"(\d{1,2}):(\d{2})(?::00)?", said)
    if not found or int(found[1]) > 23 or int(found[2]) > 59:
        return None
    return time(int(found[1]), int(found[2]))
