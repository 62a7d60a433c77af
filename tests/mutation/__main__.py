"""`make mutate`: mistakes in the rules of delivery and approval, one at a time, and how many of them the tests notice.

    make mutate                                   a hundred and twenty of them, spread over all files
    make mutate ARGS="--sample 200 --seed 7"      others, and more; the same seed takes the same
    make mutate ARGS="publishing/asking.py"       of one file

The tree is copied and changed there. First the tests run without a mistake, and it is written down which lines each
comes by; then each mutant meets those that come by its line (tests/mutation/traces.py), until one fails or they come to
no end. In the end those that failed run once more without a mistake: one that fails there proves nothing. Ends with
a line of JSON, and with 1 below 90 %.
"""

import argparse
import json
import random
import re
import sys
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass

from tests.mutation.hands import Hand, Hands, hands
from tests.mutation.mutants import Mutant, mistaken, mutants
from tests.mutation.rules import EQUIVALENT, FILES, IN_THE_DATABASE, OF_ALL, TESTS
from tests.mutation.traces import Traces, traces
from tests.servers import CHECKOUT

ENOUGH = 0.9
AT_MOST = 60  # seconds of tests a mutant: what is not noticed in them counts as not noticed


@dataclass
class Verdict:
    file: str
    mutant: Mutant
    by: str | None = None  # the test that noticed
    equivalent: bool = False

    @property
    def survived(self) -> bool:
        return self.by is None and not self.equivalent

    def __str__(self) -> str:
        how = "equivalent" if self.equivalent else "SURVIVED" if self.survived else "noticed"
        return f"{how:10} {self.file}:{self.mutant.line} {self.mutant.name}" + (f"  by {self.by}" if self.by else "")


def main() -> int:
    asked = argparse.ArgumentParser(prog="make mutate")
    asked.add_argument("files", nargs="*", default=FILES)
    asked.add_argument("--sample", type=int, default=120)
    asked.add_argument("--seed", type=int, default=1)
    asked.add_argument("--hands", type=int, default=2, help="how many mutants at once")
    wish = asked.parse_args()
    verdicts = [
        Verdict(file, each, equivalent=each.name in EQUIVALENT.get(file, {}))
        for file, each in sample(wish.files, wish.sample, wish.seed)
    ]
    with hands(wish.hands) as ours, ThreadPoolExecutor(wish.hands) as pool:
        traced = traces(ours, pool, TESTS)
        runs = [pool.submit(judge, each, ours, traced) for each in verdicts if not each.equivalent]
        for count, run in enumerate(as_completed(runs), start=1):
            print(f"{count:4} of {len(runs)}  {run.result()}", flush=True)
        prove(verdicts, ours)
    return report(verdicts)


def sample(files: Iterable[str], count: int, seed: int) -> list[tuple[str, Mutant]]:
    """`count` of all mutants of these files."""
    every = [(file, each) for file in files for each in mutants((CHECKOUT / file).read_text())]
    return random.Random(seed).sample(every, min(count, len(every)))


def judge(verdict: Verdict, ours: Hands, traced: Traces) -> Verdict:
    file, source = verdict.file, mistaken((CHECKOUT / verdict.file).read_text(), verdict.mutant)
    with ours.free() as hand, hand.changed(file, source):
        if file in IN_THE_DATABASE:
            ended, said = hand.run(IN_THE_DATABASE[file], patience=600, migrated=True)
        else:
            ended, said = _run_listed(hand, OF_ALL + traced.by(file, verdict.mutant.line, AT_MOST), 3 * AT_MOST + 60)
    if ended != 0:
        verdict.by = _failed(said) if ended is not None else "coming to no end"
    return verdict


def prove(verdicts: list[Verdict], ours: Hands) -> None:
    """Who fails without a mistake, too, has noticed nothing."""
    names = list(dict.fromkeys(each.by for each in verdicts if each.by and "::" in each.by))
    with ours.free() as hand:
        while names:
            ended, said = _run_listed(hand, names, 3600)
            if ended == 0:
                return
            wrong = _failed(said)
            print(f"fails without a mistake: {wrong}", flush=True)
            if wrong not in names:
                sys.exit("The tests prove nothing: mend that first.")
            names.remove(wrong)
            for each in verdicts:
                each.by = None if each.by == wrong else each.by


def _run_listed(hand: Hand, names: list[str], patience: float) -> tuple[int | None, str]:
    if not names:
        return 0, ""
    listed = hand.tree / "listed"
    listed.write_text("\n".join(names))
    files = sorted({name.partition("::")[0] for name in names})
    return hand.run(files, f"--listed-in={listed}", patience=patience)


def _failed(said: str) -> str:
    found = re.search(r"^(?:FAILED|ERROR) (\S+?::.+?)(?: - .*)?$", said, re.MULTILINE)
    return found[1] if found else "not even starting"


def report(verdicts: list[Verdict]) -> int:
    print(
        "\nSurvived:",
        *(f"    {each.file}:{each.mutant.line} {each.mutant.name}" for each in verdicts if each.survived),
        sep="\n",
    )
    files = {file: figures([each for each in verdicts if each.file == file]) for file in FILES}
    every = figures(verdicts)
    print(json.dumps({**{file: of for file, of in files.items() if of["mutants"]}, "all": every}))
    return 0 if every["score"] >= ENOUGH else 1


def figures(verdicts: list[Verdict]) -> dict[str, float]:
    equivalent = sum(each.equivalent for each in verdicts)
    noticed = sum(each.by is not None for each in verdicts)
    real = len(verdicts) - equivalent
    return {
        "mutants": len(verdicts), "noticed": noticed, "equivalent": equivalent,
        "score": round(noticed / real, 3) if real else 1.0,
    }  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
