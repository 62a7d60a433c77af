"""A naive sender beside the plant, under the same fault in the same run: its figures show that the fault is one."""

import itertools
import sys
from collections import Counter
from datetime import datetime

from tests.faults import grounds
from tests.faults.plant import Plant, report
from tests.processes import Running, wait_until

_number = itertools.count(1)
TABLE = "CREATE TABLE IF NOT EXISTS naive (text text PRIMARY KEY, part int, due timestamptz, done bool DEFAULT false)"
ROWS = """INSERT INTO naive SELECT '{name} ' || n, n % 10, now() + n * {apart} * interval '1 second'
FROM generate_series(1, {count}) AS n"""


class Beside:
    """naive_rows with `count` texts in the database of the test, due over the next `seconds`."""

    def __init__(self, works: Plant, url: str, count: int, seconds: float = 0.0, how: str = ""):
        self.works, self.url, self.count, self.name = works, url, count, f"naive{next(_number)}"
        grounds.execute(url, TABLE)
        grounds.execute(url, ROWS.format(name=self.name, apart=seconds / count, count=count))
        token = works.control.account(self.name)["token"]
        command = [sys.executable, "-m", "tests.faults.naive_rows", url, works.control.url, token]
        self.child = works.processes.start("naive", [*command, *([how] if how else [])], works.env)

    def begun(self) -> bool:
        return len(self._standing()) > 20

    def due(self) -> dict[str, datetime]:
        return dict(grounds.execute(self.url, "SELECT text, due FROM naive"))

    def came_of_it(self, seconds: float = 60.0) -> tuple[int, int]:
        """(texts that stand there twice, texts that do not), once it has ended by itself or was given so long."""
        if seconds:
            wait_until(lambda: not self.child.alive(), "the naive sender to end", seconds=seconds)
        self.child.kill()
        standing = self._standing()
        return sum(times > 1 for times in standing.values()), self.count - len(standing)

    def compare(self, fault: str, worker: Running, beat: Running) -> None:
        """When ours has come to its end: none twice and none lost of them, and the control has failed."""
        took = self.works.wait_for_end(worker.child)
        assert worker.child.alive() and beat.child.alive()
        control = self.came_of_it()
        worker.kill(), beat.kill()
        report(fault, self.works, took, control)
        assert control[0] > 0, "the naive sender should have sent some twice: the test proves nothing"
        self.works.none_twice_none_lost()

    def _standing(self) -> Counter[str]:
        return Counter(p["text"] for p in self.works.control.posts() if p["text"].startswith(f"{self.name} "))
