"""A plugin of pytest's for the mutation run (`-p tests.mutation.tracing`).

With `--trace-to FILE` it writes down which lines of the rules each test comes by, and how long it takes, if it passes.
With `--listed-in FILE` only the tests named there run, in that order.
"""

import json
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

import pytest

from tests.mutation.rules import FILES

ROOT = Path(__file__).resolve().parents[2]
WATCHED = {str(ROOT / file): file for file in FILES}


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--trace-to", type=Path)
    parser.addoption("--listed-in", type=Path)


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("--trace-to"):
        config.pluginmanager.register(Tracing(config.getoption("--trace-to")))


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--listed-in"):
        named = {item.nodeid: item for item in items}
        items[:] = [named[name] for name in config.getoption("--listed-in").read_text().split("\n") if name in named]


class Tracing:
    """Line by line in the files of the rules, and nowhere else, so that it costs little."""

    def __init__(self, place: Path) -> None:
        self.place, self.now, self.passes = place, set[tuple[CodeType, int]](), True
        self.seen: dict[str, dict[str, Any]] = {}

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        self.now, self.passes, began = set(), True, time.monotonic()
        threading.settrace(self.entered)
        sys.settrace(self.entered)
        try:
            return (yield)
        finally:
            sys.settrace(None)
            threading.settrace(None)
            lines: dict[str, list[int]] = {}
            for file, line in sorted({(WATCHED[code.co_filename], line) for code, line in self.now}):
                lines.setdefault(file, []).append(line)
            if self.passes:
                self.seen[item.nodeid] = {"seconds": round(time.monotonic() - began, 2), "lines": lines}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self.passes = self.passes and report.outcome == "passed"

    def pytest_sessionfinish(self) -> None:
        self.place.write_text(json.dumps(self.seen))

    def entered(self, frame: FrameType, event: str, arg: Any) -> Any:
        return self.stepped if frame.f_code.co_filename in WATCHED else None

    def stepped(self, frame: FrameType, event: str, arg: Any) -> Any:
        self.now.add((frame.f_code, frame.f_lineno))
        return self.stepped
