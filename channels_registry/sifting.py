"""Telling the right rows of a file of channels from the wrong ones, and what each would do. Writes nothing."""

from collections.abc import Mapping
from typing import Any

from django.core.exceptions import ValidationError

from accounts.models import Person
from channels_registry.models import Channel, ChannelImport, ChannelRow
from channels_registry.queries.columns import PEOPLE
from channels_registry.queries.wishes import Ground, Somebody, Wish, rows_of
from channels_registry.registering import STATES_TO_BEGIN_IN
from socialops.lib.wall_clock import time_zones

NOBODY = "Nobody here has the address {}. Add them first, or tick that people are made of addresses nobody has."


def judged(of: ChannelImport, rows: list[ChannelRow], problems: Mapping[int, str] | None = None) -> None:
    """Set what each row says: its problems and its plan. `problems`: what reading the file said, by number."""
    ground = ground_of(of, rows)
    for row in rows:
        wish = ground.wish(row.number, row.cells)
        if words := (problems or {}).get(row.number):
            wish.problems = {"row": words}
        settle(row, wish, ground, of)


def ground_of(of: ChannelImport, rows: list[ChannelRow]) -> Ground:
    numbers = {row.number for row in rows}
    kept = [each for each in of.rows.values_list("number", "cells") if each[0] not in numbers]
    ground = Ground(of.mapping, [*kept, *rows_of(rows)])
    wishes = [ground.wish(row.number, row.cells) for row in rows]
    ground.knows_grants({found for wish in wishes if (found := ground.of(wish))})
    return ground


def settle(row: ChannelRow, wish: Wish, ground: Ground, of: ChannelImport) -> None:
    """Write what a wish comes to into its row."""
    standing = ground.of(wish)
    row.plan, row.channel = "", None
    row.problems = dict(wish.problems) or _wrong(wish, standing, ground, of)
    if row.problems:
        return
    if standing is None:
        row.plan = "create"
    else:
        row.plan = "change" if changes(standing, wish) or lacking(standing, wish, ground) else "nothing"


def changes(channel: Channel, wish: Wish) -> dict[str, Any]:
    """The details in which the row says something else than the register. A person who is to be made is an address."""
    said: dict[str, Any] = dict(wish.details)
    said |= {name: each.person or each.email for name, each in wish.people.items()}
    return {name: value for name, value in said.items() if value != getattr(channel, name)}


def lacking(channel: Channel | None, wish: Wish, ground: Ground) -> list[tuple[str, Somebody]]:
    """The rights that the row names and nobody has given. An owner of a new channel manages it anyway."""
    owner = wish.people.get("owner")
    return [
        (entitlement, each)
        for entitlement, people in wish.rights.items()
        for each in people
        if not (channel and each.person and (channel.pk, each.person.pk, entitlement) in ground.grants)
        and not (channel is None and entitlement == "manager" and owner and owner.email == each.email)
    ]


def _wrong(wish: Wish, standing: Channel | None, ground: Ground, of: ChannelImport) -> dict[str, str]:
    problems = {**_wrong_people(wish, standing, ground, of), **_wrong_state(wish, standing)}
    if standing is None and "owner" not in wish.people:
        problems["owner"] = "Say who owns it, by their e-mail address."
    return problems or _wrong_details(wish, standing, of.by)


def _wrong_people(wish: Wish, standing: Channel | None, ground: Ground, of: ChannelImport) -> dict[str, str]:
    new = changes(standing, wish) if standing else dict.fromkeys(wish.people, True)
    named = [(name, wish.people[name]) for name in PEOPLE if name in wish.people and name in new]
    problems = {}
    for name, each in [*named, *lacking(standing, wish, ground)]:
        if each.person is None and not of.make_people:
            problems[name] = NOBODY.format(each.email)
        elif each.person and each.person.pk in ground.gone:
            problems[name] = f"{each.person.name} has left. Name somebody who is here."
        elif name not in PEOPLE and each.person and each.person.pk == of.by_id:
            problems[name] = "Nobody gives access to themselves. Leave your own address out, or let another import it."
    return problems


def _wrong_state(wish: Wish, standing: Channel | None) -> dict[str, str]:
    said = wish.details.get("state")
    if said is None or (standing and standing.state == said):
        return {}
    if standing:
        now = standing.get_state_display().lower()
        return {"state": f"It is {now} here. A file does not change that; do it on the channel’s page."}
    ways = ", ".join(STATES_TO_BEGIN_IN)
    return {} if said in STATES_TO_BEGIN_IN else {"state": f"A channel enters the register as one of: {ways}."}


def _wrong_details(wish: Wish, standing: Channel | None, by: Person) -> dict[str, str]:
    """As the register itself checks: on a copy that is never saved."""
    said = changes(standing, wish) if standing else wish.details
    fields = {name: value for name, value in said.items() if name not in PEOPLE}
    trial = Channel(network=wish.network, handle=wish.handle, **({"name": wish.handle} | fields), owner=by)
    rest = {each.name for each in Channel._meta.fields} - {*fields, "network", "handle", "name"}
    since, mark = (wish.details.get(name, getattr(standing, name, None)) for name in ("verified_since", "verification"))
    owner, backup = (_who(wish, standing, name) for name in PEOPLE)
    problems = {}
    try:
        trial.clean_fields(exclude=rest)
    except ValidationError as error:
        problems = {name: " ".join(words) for name, words in error.message_dict.items()}
    if since and mark != "yes":
        problems["verified_since"] = "It is not said to be verified. Say so, or leave the day empty."
    if "time_zone" in fields and fields["time_zone"] not in time_zones():
        problems["time_zone"] = "There is no such time zone. Write it as Europe/Berlin."
    if "url" in fields and not fields["url"].lower().startswith(("https://", "http://")):
        problems["url"] = "An address begins with https://."
    if owner and owner == backup and (standing is None or not said.keys().isdisjoint(PEOPLE)):
        problems["backup_owner"] = "The owner cannot be the backup as well. Name somebody else."
    return problems


def _who(wish: Wish, standing: Channel | None, name: str) -> str:
    """The address of who would have this part, "" for nobody."""
    if name in wish.people:
        return wish.people[name].email
    person = getattr(standing, name, None)
    return person.email.casefold() if person else ""
