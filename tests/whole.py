"""`-p tests.whole`: a run that did not reach every test ends with 3 rather than 1, which says only that some failed.

xdist ends with 1, too, when a file could not be collected or its workers collected different tests, and then the rest
has not been run. .ci/run tries again what failed, and may believe that only where nothing else was left out.
"""

from collections.abc import Iterator

import pytest


class Whole:
    def __init__(self) -> None:
        self.collected: set[str] = set()
        self.reached: set[str] = set()
        self.broken = False

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        self.collected |= {item.nodeid for item in session.items}

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, node, ids: list[str]) -> None:
        self.collected |= set(ids)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        self.broken |= report.failed

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self.reached.add(report.nodeid)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> Iterator[None]:
        missed = self.collected - self.reached
        if session.exitstatus == pytest.ExitCode.TESTS_FAILED and (self.broken or missed or not self.collected):
            session.exitstatus = pytest.ExitCode.INTERNAL_ERROR
        return (yield)


def pytest_configure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(Whole())
