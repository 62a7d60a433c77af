"""Which control of which framework a pack shows, by which of its tables. The words are ours, the numbers theirs."""

from typing import NamedTuple


class Control(NamedTuple):
    framework: str
    number: str
    asks: str
    shown_by: str
    tables: tuple[str, ...]  # any of them shows it


SOC2, ISO, NIST = "SOC 2", "ISO/IEC 27001:2022", "NIST SP 800-53"
CONTROLS = [
    Control(SOC2, "CC6.1", "Access to what has to be protected is restricted",
            "every door to every channel: who has it, at which level, and how we know", ("access", "doors")),
    Control(SOC2, "CC6.2", "Access is given by somebody who may, and taken away when it is no longer due",
            "who gave each door, when and why; who took it away, when and why", ("access", "doors", "decisions")),
    Control(SOC2, "CC6.3", "Access follows roles and changes of roles, with duties kept apart",
            "decisions by a second person, risks accepted by name, reviews",
            ("acceptances", "decisions", "doors", "access")),
    Control(ISO, "A.5.15", "Rules for access are set and kept", "each door with its reason and its end", ("access",)),
    Control(ISO, "A.5.16", "Identities are managed for as long as they live",
            "people, their accounts over there, and their departures", ("people", "departures", "access")),
    Control(ISO, "A.5.17", "What authenticates is managed",
            "app passwords, shared logins and recovery contacts as doors of their own", ("access", "doors")),
    Control(ISO, "A.5.18", "Access rights are given, reviewed, changed and removed",
            "the ledger with its history, reviews and revocations with their proof", ("access", "decisions", "doors")),
    Control(ISO, "A.6.5", "Duties after employment ends or changes are enforced",
            "each departure with its doors, graded by proof", ("doors", "cases", "departures")),
    Control(NIST, "AC-2", "Accounts are created, changed, reviewed and removed by those who may",
            "the ledger of doors and the trail of what was done", ("access", "doors", "decisions")),
    Control(NIST, "PS-4", "On termination, access ends in time and what authenticates is taken back",
            "minute of the departure, minute of each proof, what may live on", ("doors", "cases", "departures")),
]  # fmt: skip


def shown_in(tables: set[str]) -> list[tuple[str, str, str, str, str]]:
    """framework, number, what it asks, what shows it, and in which files; those alone that these tables show."""
    return [
        (each.framework, each.number, each.asks, each.shown_by, ", ".join(f"{name}.csv" for name in files))
        for each in CONTROLS
        if (files := [name for name in each.tables if name in tables])
    ]
