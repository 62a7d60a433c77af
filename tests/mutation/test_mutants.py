"""The mutation run's own parts. What it finds is asked for with `make mutate`."""

import pytest

from tests.mutation.__main__ import sample
from tests.mutation.mutants import mistaken, mutants
from tests.mutation.rules import EQUIVALENT, FILES, IN_THE_DATABASE, TESTS
from tests.mutation.traces import Traces
from tests.servers import CHECKOUT


@pytest.mark.parametrize(
    ("line", "mistake"),
    [
        ("return a < b", "return a <= b"),
        ("return a is None", "return a is not None"),
        ("return a and b", "return a or b"),
        ("return a & ~b", "return a & b"),
        ("return not a", "return a"),
        ("return n + 1", "return n + 2"),
        ("return n + m", "return n - m"),
        ("if f(a):\n        return True", "if not f(a):\n        return True"),
        ("if a:\n        raise Refused('No.')", "if a:\n        pass"),
        ("lock(a)", "pass"),
        ("return q.filter(a=1, b=c)", "return q.filter(b=c)"),
        ("return [x for x in xs if x]", "return [x for x in xs]"),
    ],
)
def test_a_mistake_is_made(line, mistake):
    source = f"def f(a):\n    {line}\n"
    made = {mistaken(source, each).strip() for each in mutants(source)}
    assert f"def f(a):\n    {mistake}" in made


def test_a_decorator_is_left_out_and_one_that_makes_a_kind_is_not():
    made = [each.name for each in mutants("@transaction.atomic\n@property\ndef f(a):\n    return a\n")]
    assert made == ["@transaction.atomic [left out: @transaction.atomic]"]


def test_words_and_types_are_left_alone():
    source = 'def f(a: int | None = None) -> str | None:\n    """Of what."""\n    return f"{a} or nothing" + "and"\n'
    source += "def g():\n    faults.reach('there')\n    log.info('there')\n"
    assert list(mutants(source)) == []


def test_a_statement_of_sql_is_changed_one_word_at_a_time():
    made = [(each.line, each.name) for each in mutants('S = """\nSELECT 1\nWHERE a IS NULL AND b <= 2"""\n')]
    line = 'WHERE a IS NULL AND b <= 2"""'
    assert made == [(3, f"{line} [SQL: {what}]") for what in ("AND to OR", "IS NULL to IS NOT NULL", "<= to >")]


def test_no_two_have_the_same_name():
    made = [each.name for each in mutants("def f(a):\n    return a < 1 < 2\n\n\ndef g(a):\n    return a < 1 < 2\n")]
    assert len(set(made)) == len(made) == 8


def test_the_same_seed_takes_the_same():
    one, two = (sample(["publishing/asking.py", "publishing/delegating.py"], 9, seed=3) for _ in "12")
    assert one == two
    assert len(one) == 9
    assert one != sample(["publishing/asking.py", "publishing/delegating.py"], 9, seed=4)


def test_each_way_through_a_file_is_tried_before_one_is_tried_twice():
    lines = {"slow": [7], "quick": [7, 8], "like_quick": [7, 8]}
    seconds = {"slow": 3, "quick": 1, "like_quick": 2}
    traces = Traces({name: {"seconds": seconds[name], "lines": {"rule.py": lines[name]}} for name in lines})
    assert traces.by("rule.py", 7, at_most=9) == ["quick", "slow", "like_quick"]
    assert traces.by("rule.py", 7, at_most=4) == ["quick", "slow"]
    assert traces.by("rule.py", 8, at_most=9) == ["quick", "like_quick"]
    assert traces.by("rule.py", 1, at_most=9) == ["quick", "slow", "like_quick"], "a line that is no statement"


def test_every_file_named_is_there():
    named = [*FILES, *TESTS, *(test for tests in IN_THE_DATABASE.values() for test in tests)]
    assert [name for name in named if not (CHECKOUT / name).is_file()] == []
    assert {*IN_THE_DATABASE} <= {*FILES}


@pytest.mark.parametrize("file", EQUIVALENT)
def test_what_changes_nothing_is_still_there(file):
    assert {*EQUIVALENT[file]} <= {each.name for each in mutants((CHECKOUT / file).read_text())}
