"""Fernhill's doors that no network lists: shared logins, tools with seats, recovery contacts; and some drift."""

from datetime import timedelta

from django.utils import timezone

from accounts.models import Person
from channels_registry import access, drifting, seating, sharing
from channels_registry.models import AccessGrant, Channel
from channels_registry.models.access_grant import Door
from governance import breaking_glass, requesting


def put_on_record(people: dict[str, Person], channels: dict[str, Channel]) -> None:
    """Two logins of which one is due, two tools, who controls the mailbox, and a level that is not as declared."""
    erin, gina, alice, dana = (people[key] for key in ("erin", "gina", "alice", "dana"))
    flagships, now = list(channels.values()), timezone.now()
    for name, vault, days, holders in [
        ("Fernhill, the page itself", "Vault: Social / Fernhill", 20, (alice, dana)),
        ("Customer care desk", "Vault: Care / Shared desk", 88, (dana, people["bob"])),
    ]:
        opened = flagships[:1] if days == 20 else flagships[1:2]
        login = sharing.add_login(erin, name, vault, opened, gina, 90, now - timedelta(days=days))
        for person in holders:
            sharing.share(login, person, "full access", erin, "Answers at weekends")
    tools = [
        ("Canva", "Canva", "Templates", "sso", (alice, dana)),
        ("Metricool", "Metricool", "Figures", "password", (gina,)),
    ]
    for name, vendor, purpose, sign_in, seats in tools:
        more = {"vendor": vendor, "purpose": purpose, "sign_in": sign_in}
        tool = seating.register_tool(erin, name, alice if name == "Canva" else gina, flagships[:3], **more)
        for person in seats:
            seating.seat(tool, person, "editor", erin, "Makes the pictures" if name == "Canva" else "Writes the report")
    _contacts(people, flagships)
    _drift(alice, erin, flagships[1])
    requesting.ask(people["hana"], flagships[0], "viewer", "Checks what we promise this season", 14)
    glass = breaking_glass.ask(people["bob"], flagships[1], "responder", "Wrong prices were sent", "INC-2041", 60)
    breaking_glass.confirm(glass, erin)


def _contacts(people: dict[str, Person], flagships: list[Channel]) -> None:
    erin, gina = people["erin"], people["gina"]
    mailbox, phone = "social@fernhill.example", "+33 6 12 34 56 78"
    for channel in flagships:
        level = "resets the password"
        access.grant(channel, gina, level, erin, "Reads that mailbox", door=Door.RECOVERY, label=mailbox)
    holds = "Holds the desk’s phone"
    access.grant(flagships[0], people["alice"], "gets the codes", erin, holds, door=Door.RECOVERY, label=phone)
    access.grant(flagships[0], None, "reads figures", erin, "Weekly report", door=Door.APP, label="Metricool sync")
    ends = timezone.now() + timedelta(days=5)
    access.grant(flagships[0], people["bob"], "viewer", erin, "Looks on during the launch", expires_at=ends)


def _drift(alice: Person, erin: Person, channel: Channel) -> None:
    """On record she leads it; over there she is an editor."""
    said = access.grant(channel, alice, "owner", erin, "Leads it from this month", door=Door.ROLE)
    AccessGrant.objects.filter(pk=said.pk).update(starts_at=timezone.now() - timedelta(days=3))
    drifting.level()
