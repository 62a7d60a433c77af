"""Which tests come by which line: found by running them once, and kept until a file of tests or of rules changes."""

import hashlib
import json
from concurrent.futures import ThreadPoolExecutor, as_completed
from itertools import accumulate
from typing import Any

from tests.mutation.hands import Hands
from tests.mutation.rules import FILES, FIRST
from tests.servers import CHECKOUT

KEPT = CHECKOUT / ".local" / "mutation.json"

Seen = dict[str, dict[str, Any]]  # by test, the seconds it took, and by file the lines it came by


class Traces:
    def __init__(self, seen: Seen) -> None:
        self.seen = seen

    def by(self, file: str, line: int, at_most: float) -> list[str]:
        """The tests that come by a line, in so many seconds; by the file, if no test comes by that line (a statement of
        SQL, what stands outside of functions). Whose rules these are first (FIRST); then one of each way through the
        file before a second of any, the quickest first.
        """
        there = {name: of for name, of in self.seen.items() if line in of["lines"].get(file, ())}
        there = there or {name: of for name, of in self.seen.items() if file in of["lines"]}
        ways: dict[tuple[int, ...], list[str]] = {}
        for name in sorted(there, key=lambda each: there[each]["seconds"]):
            ways.setdefault(tuple(there[name]["lines"][file]), []).append(name)
        ranks = {name: rank for way in ways.values() for rank, name in enumerate(way)}
        owners = tuple(f"tests/publishing/test_{name}.py::" for name in FIRST.get(file, ()))
        ordered = sorted(ranks, key=lambda n: (not n.startswith(owners), ranks[n], there[n]["seconds"]))
        spent = accumulate(there[name]["seconds"] for name in ordered)
        return [name for name, so_far in zip(ordered, spent, strict=True) if so_far <= at_most]


def traces(hands: Hands, pool: ThreadPoolExecutor, files: list[str]) -> Traces:
    kept: dict[str, Seen] = json.loads(KEPT.read_text()) if KEPT.exists() else {}
    states = [f"{file} {_state(file)}" for file in files]
    kept = {state: kept[state] for state in states if state in kept}
    KEPT.parent.mkdir(exist_ok=True)
    for run in as_completed([pool.submit(_trace, hands, state) for state in states if state not in kept]):
        kept |= run.result()
        KEPT.write_text(json.dumps(kept))
    return Traces({name: of for seen in kept.values() for name, of in seen.items()})


def _trace(hands: Hands, state: str) -> dict[str, Seen]:
    file = state.partition(" ")[0]
    with hands.free() as hand:
        place = hand.tree / "traced"
        ended, said = hand.run([file], "--maxfail=1000", f"--trace-to={place}", patience=1800)
        print(f"traced {file}" if ended == 0 else f"fails without a mistake, so it is left out:\n{said}", flush=True)
        return {state: json.loads(place.read_text())}


def _state(file: str) -> str:
    rules = b"".join((CHECKOUT / each).read_bytes() for each in FILES)
    return hashlib.sha256(rules + (CHECKOUT / file).read_bytes()).hexdigest()
