"""The mutation run's own parts. What it finds is asked for with `make mutate`."""

import pytest

from tests.mutation.__main__ import sample
from tests.mutation.mutants import mutants
from tests.mutation.rules import EQUIVALENT, IN_THE_DATABASE, TESTS
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
    made = {each.source.strip() for each in mutants(f"def f(a):\n    {line}\n")}
    assert f"def f(a):\n    {mistake}" in made


def test_a_decorator_is_left_out_and_one_that_makes_a_kind_is_not():
    made = [each.what for each in mutants("@transaction.atomic\n@property\ndef f(a):\n    return a\n")]
    assert made == ["left out: @transaction.atomic"]


def test_words_and_types_are_left_alone():
    source = 'def f(a: int | None = None) -> str | None:\n    """Of what."""\n    return f"{a} or nothing" + "and"\n'
    source += "def g():\n    faults.reach('there')\n    log.info('there')\n"
    assert list(mutants(source)) == []


def test_a_statement_of_sql_is_changed_one_word_at_a_time():
    made = [(each.line, each.what) for each in mutants('S = """\nSELECT 1\nWHERE a IS NULL AND b <= 2"""\n')]
    assert made == [(3, "SQL: AND to OR"), (3, "SQL: IS NULL to IS NOT NULL"), (3, "SQL: <= to >")]


def test_the_same_seed_takes_the_same():
    one, two = (sample(["publishing/asking.py", "publishing/delegating.py"], 9, seed=3) for _ in "12")
    assert one == two
    assert sum(map(len, one.values())) == 9
    assert one != sample(["publishing/asking.py", "publishing/delegating.py"], 9, seed=4)


def test_every_file_named_is_there():
    named = {*TESTS, *(test for tests in TESTS.values() for test in tests)}
    assert sorted(name for name in named if not (CHECKOUT / name).is_file()) == []
    assert TESTS.keys() >= IN_THE_DATABASE
    assert [each for each in EQUIVALENT if each.partition(" ")[0] not in TESTS] == []
