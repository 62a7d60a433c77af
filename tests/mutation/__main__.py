"""`make mutate`: mistakes in the rules of delivery and approval, one at a time, and how many of them the tests notice.

    make mutate                                   sixty of them, spread over all files
    make mutate ARGS="--sample 200 --seed 7"      others, and more; the same seed takes the same
    make mutate ARGS="publishing/asking.py"       of one file

The tree is copied and changed there. Each mutant meets the tests that tests/mutation/rules.py names for its file, until
the first fails; one that ends in no time is noticed, too. Ends with 1 below 90 %.
"""

import argparse
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests import servers
from tests.mutation.mutants import Mutant, mutants
from tests.mutation.rules import EQUIVALENT, IN_THE_DATABASE, TESTS
from tests.servers import CHECKOUT

ENOUGH = 0.9
NOT_COPIED = shutil.ignore_patterns(".git", ".venv", ".local", "node_modules", "screens", "*_cache", "__pycache__")


def main() -> int:
    asked = argparse.ArgumentParser(prog="make mutate")
    asked.add_argument("files", nargs="*", default=list(TESTS))
    asked.add_argument("--sample", type=int, default=60)
    asked.add_argument("--seed", type=int, default=1)
    wish = asked.parse_args()
    chosen = sample(wish.files, wish.sample, wish.seed)
    with copied() as copy, running():
        patience = proven(copy, chosen)
        told = {file: [(each, notices(copy, file, each, patience)) for each in some] for file, some in chosen.items()}
    return report(told)


def sample(files: list[str], count: int, seed: int) -> dict[str, list[Mutant]]:
    """`count` of all mutants of these files, by file; without those that change nothing."""
    every = [
        (file, each)
        for file in files
        for each in mutants((CHECKOUT / file).read_text())
        if f"{file} {each.what}" not in EQUIVALENT
    ]
    taken = random.Random(seed).sample(every, min(count, len(every)))
    return {file: [each for of, each in every if of == file and (of, each) in taken] for file in dict(taken)}


@contextmanager
def copied() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="socialops-mutants-") as home:
        copy = Path(shutil.copytree(CHECKOUT, Path(home) / "tree", ignore=NOT_COPIED))
        (copy / ".venv").symlink_to((CHECKOUT / ".venv").resolve())
        yield copy


@contextmanager
def running() -> Iterator[None]:
    """One pair of servers for all, as xdist's workers share one: the database is migrated once."""
    servers.claim_servers()
    os.environ["PYTEST_XDIST_WORKER"] = "gw0"
    try:
        yield
    finally:
        servers.release_servers()


def proven(copy: Path, files: Iterable[str]) -> float:
    """The tests say nothing of the tree as it is, or they prove nothing. How long a mutant may take, in seconds."""
    tests, began = list(dict.fromkeys(test for file in files for test in TESTS[file])), time.monotonic()
    if not _passes(copy, tests, 3600):
        sys.exit(f"These fail without a mistake; mend that first: {' '.join(tests)}")
    return 3 * (time.monotonic() - began) + 60


def notices(copy: Path, file: str, mutant: Mutant, patience: float) -> bool:
    """Whether a test fails, or the tests come to no end."""
    place, right = copy / file, (CHECKOUT / file).read_text()
    place.write_text(mutant.source)
    try:
        noticed = not _passes(copy, TESTS[file], patience, migrated=file in IN_THE_DATABASE)
    finally:
        place.write_text(right)
    print(f"{'noticed ' if noticed else 'SURVIVED'} {file}:{mutant.line} {mutant.what}", flush=True)
    return noticed


def _passes(copy: Path, tests: list[str], patience: float, migrated: bool = False) -> bool:
    env = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1", "HYPOTHESIS_STORAGE_DIRECTORY": str(copy / ".hypothesis")}
    if migrated:  # a database of its own, with the mistake in it
        env = {name: value for name, value in env.items() if name != "PYTEST_XDIST_WORKER"}
    else:
        _left_behind()
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *tests]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    child = subprocess.Popen(command, cwd=copy, env=env, start_new_session=True, **quiet)
    try:
        return child.wait(patience) == 0
    except subprocess.TimeoutExpired:
        return False
    finally:
        if child.poll() is None:
            os.killpg(child.pid, signal.SIGKILL)
            child.wait()


def _left_behind() -> None:
    """A run that was ended leaves its databases."""
    own = servers.claim_servers()
    for (name,) in own.execute("SELECT datname FROM pg_database WHERE datname LIKE 'socialops_test_gw0%'"):
        own.drop(name)


def report(told: dict[str, list[tuple[Mutant, bool]]]) -> int:
    print(f"\n{'file':44} mutants noticed survived")
    for file, some in told.items():
        print(f"{file:44} {len(some):7} {sum(noticed for _, noticed in some):7} {sum(not each for _, each in some):8}")
        for mutant, noticed in some:
            if not noticed:
                print(f"    {file}:{mutant.line} {mutant.what}")
    every = [noticed for some in told.values() for _, noticed in some]
    share = sum(every) / len(every) if every else 0.0
    print(f"{'all':44} {len(every):7} {sum(every):7} {len(every) - sum(every):8}   {share:.0%}")
    return 0 if share >= ENOUGH else 1


if __name__ == "__main__":
    sys.exit(main())
