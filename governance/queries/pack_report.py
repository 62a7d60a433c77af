"""A pack on paper, and the letter that goes with it: what an auditor reads first."""

from datetime import UTC, datetime
from typing import Any

from accounts import audit
from governance.queries.packs import Contents
from socialops.lib.printing import Report, Section

TOLD = 60  # events on paper; all of them are in trail.csv
COLUMNS = {
    "access": ("channel", "person", "door", "level", "granted_by", "reason", "since", "revoked_at"),
    "doors": ("channel", "door", "level", "stage", "proof", "verified_at", "attested_by", "confirmed_by"),
}
README = """{title}
{underline}

Made {made_at} by {name} <{email}> on {made_on}.
It speaks of {at}. Its key is {key_id}; ask whoever runs {made_on} for the key over another way, and compare.

To check all of it in one command, with Python 3.9 or newer and nothing else:

    python3 verify.py --key {key_id}

(in the directory into which you unzipped it, or `python3 verify.py pack.zip --key {key_id}` without unzipping). It ends
with "The trail is whole." or names the file, and in the trail the row, that was edited, deleted, inserted or moved.
verify.py is plain Python; read it before you run it, or fetch your own copy.

report.pdf       what this is, what it covers, a sample, findings, and which control is shown by which file
*.csv, *.json    the whole population, one file a table; a cell that a spreadsheet would calculate begins with '
samples.json     the rows that were drawn, with the seed; the drawing can be done again
trail.csv        what was done, by whom, when: every event about this
trail.jsonl      the same events with their seals, as they are hashed
heads/           the signed heads that hold them: they left the database within a minute of each event
evidence/        what people attached, where there is something
controls.csv     SOC 2, ISO/IEC 27001 and NIST SP 800-53: which file shows which control
manifest.json    the digest of every file; manifest.sig is its Ed25519 signature, key.pub the key

An event of which something was erased says "(erased)", and which event says by whom and when. Its hash stays true.
"""


def readme(about: dict[str, Any]) -> str:
    return README.format(**about, **about["made_by"], underline="=" * len(about["title"]))


def report(about: dict[str, Any], contents: Contents, samples: dict, shown: list[tuple], events) -> Report:
    return Report(
        title=about["title"],
        subtitle=f"Evidence of access. Speaks of {_when(about['at'])}. Made {_when(about['made_at'])} by "
        f"{about['made_by']['name']}, pack {about['pack']}.",
        footer=f"{about['made_on']} · pack {about['pack']} · key {about['key_id']}",
        sections=[
            _scope(about, contents), _findings(contents), *_samples(about, contents, samples), _trail(events),
            _controls(shown), _sign(about),
        ],
    )  # fmt: skip


def _scope(about: dict[str, Any], contents: Contents) -> Section:
    population = ", ".join(f"{count:,} {name}" for name, count in contents.population.items())
    grades = ", ".join(f"{count} {name or 'none yet'}" for name, count in contents.grades.items())
    facts = [(name, said(value)) for name, value in contents.facts]
    return Section(
        "Scope and population",
        facts=[*facts, ("Population", population), *([("Grades of proof", grades)] if grades else []),
               ("Sample", f"{about['sample']['size']} rows a table, seed {about['sample']['seed']}"),
               ("Events in the trail", f"{about['audit_chain']['events']:,}")],
    )  # fmt: skip


def _findings(contents: Contents) -> Section:
    if not contents.findings:
        return Section("Findings", ["None of those that are looked for: see README.txt and the tables."])
    return Section("Findings", [f"• {each}" for each in contents.findings])


def _samples(about: dict[str, Any], contents: Contents, samples: dict) -> list[Section]:
    found = []
    for table in contents.tables:
        chosen = COLUMNS.get(table.name, table.columns[:8])
        places = [table.columns.index(name) for name in chosen]
        rows = [(number, *(_short(row[place]) for place in places)) for number, row in samples[table.name]]
        words = f"{table.about} {len(rows)} of {table.count:,} rows; all of them are in {table.name}.csv."
        widths = [0.06, *([0.94 / len(chosen)] * len(chosen))]
        columns = ["row", *(name.replace("_", " ") for name in chosen)]
        title = f"Sample of {table.name}"
        found.append(Section(title, [words], columns=columns if rows else (), rows=rows, widths=widths))
    return found


def _trail(events) -> Section:
    total = events.count()
    rows = [
        (_when(event.at), event.actor_label, audit.words(event.action), event.subject_label, _why(event.data))
        for event in events.reverse()[:TOLD][::-1]
    ]
    words = f"The last {len(rows)} of {total:,} events about this; all of them are in trail.csv with their seals."
    return Section(
        "Who did what, when, and why", [words if rows else "No event of the trail is about this alone."],
        columns=("when", "who", "what", "to what", "why") if rows else (), rows=rows,
        widths=(0.16, 0.15, 0.24, 0.23, 0.22),
    )  # fmt: skip


def _why(data: dict[str, Any]) -> str:
    return str(data.get("reason") or data.get("note") or "")


def _controls(shown: list[tuple]) -> Section:
    return Section(
        "Which control is shown by what",
        ["SOC 2 common criteria, ISO/IEC 27001:2022 annex A, NIST SP 800-53 revision 5. The words are ours."],
        columns=("framework", "control", "asks", "shown by", "files"), rows=shown,
        widths=(0.17, 0.09, 0.28, 0.28, 0.18),
    )  # fmt: skip


def _sign(about: dict[str, Any]) -> Section:
    line = "_" * 34
    return Section(
        "Signatures",
        [f"The manifest of this pack is signed by the key {about['key_id']}; README.txt says how to check it.", " "],
        facts=[("Prepared by", f"{about['made_by']['name']}  {line}"), (" ", " "),
               ("Examined by", f"{line}  on  {'_' * 14}")],
    )  # fmt: skip


def said(value: Any) -> str:
    """A fact in words."""
    return _when(value) if isinstance(value, datetime) else str(value)


def _short(value: Any) -> str:
    text = str(value)
    return text[:16].replace("T", " ") if len(text) >= 19 and text[4:5] == "-" and text[10:11] == "T" else text


def _when(value: str | datetime) -> str:
    at = datetime.fromisoformat(value) if isinstance(value, str) else value
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
