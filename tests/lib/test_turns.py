"""One row at a time, by one process, for a bounded time; one that breaks costs the others nothing."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection

from socialops.lib import turns


@pytest.mark.django_db
def test_it_goes_on_until_nothing_is_due():
    due, worked = [3, 2, 1], []
    assert turns.in_turn("a test", lambda: due.pop() if due else None, worked.append) == 3
    assert worked == [1, 2, 3]


@pytest.mark.django_db
def test_one_that_breaks_costs_the_others_nothing_and_is_in_the_log(caplog):
    due, worked = ["good", "bad", "first"], []

    def work(row):
        if row == "bad":
            raise RuntimeError("the network sent nonsense")
        worked.append(row)

    assert turns.in_turn("a test", lambda: due.pop() if due else None, work) == 3
    assert worked == ["first", "good"] and "failed for bad" in caplog.text


@pytest.mark.django_db
def test_when_its_time_is_up_it_begins_nothing_new():
    began = []
    assert turns.in_turn("a test", lambda: "always one more", began.append, seconds=0.05) == len(began)
    assert turns.in_turn("a test", lambda: "always one more", began.append, seconds=0) == 0


def test_while_one_hangs_nobody_else_begins_and_the_next_begins_when_it_has_ended(transactional_db):
    working, go_on, taken = threading.Event(), threading.Event(), []

    def take():
        taken.append(len(taken))
        return taken[-1] if len(taken) == 1 else None

    def hangs(row):
        working.set()
        assert go_on.wait(10)

    def run():
        try:
            return turns.in_turn("hanging", take, hangs)
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(run)
        assert working.wait(10)
        assert turns.in_turn("hanging", take, hangs) == 0
        assert turns.in_turn("another name", lambda: None, hangs) == 0 and taken == [0]
        go_on.set()
        assert slow.result(10) == 1
    with turns.only_one("hanging") as mine:
        assert mine
