"""What a mistake would look like: one change to a function, or to a statement of SQL, at a time.

A comparison or a condition turned round, `and` for `or`, a number off by one, a call, an argument or a decorator left
out. Names, words for people and types are left alone: what they would break is not a rule.
"""

import ast
import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

FLIPS: dict[type, type] = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In,
    ast.And: ast.Or, ast.Or: ast.And, ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd, ast.Add: ast.Sub, ast.Sub: ast.Add,
}  # fmt: skip
SQL = re.compile(r"\b(SELECT|UPDATE|INSERT|DELETE|EXISTS|WHERE|WHEN|CASE|RETURN|RAISE)\b")
IN_SQL = [
    (re.compile(pattern), instead)
    for pattern, instead in {
        r"\bAND\b": "OR", r"\bOR\b(?! REPLACE)": "AND", r"\bIS NULL\b": "IS NOT NULL", r"\bIS NOT NULL\b": "IS NULL",
        r"\bNOT EXISTS\b": "EXISTS", r"\bNOT IN\b": "IN", r"(?<=[^<>!:])= ": "<> ", r"<> ": "= ",
        r" <= ": " > ", r" >= ": " < ", r" < ": " >= ", r" > ": " <= ", r"\+ 1\b": "+ 2", r" SKIP LOCKED": "",
        r"\bgreatest\b": "least", r"\bIS DISTINCT FROM\b": "IS NOT DISTINCT FROM",
    }.items()
]  # fmt: skip
ASSIGNED = re.compile(r"(\bSET|,)\s+\w+ $")  # what follows is no comparison
PLAIN = ("dataclass", "property", "cached_property", "staticmethod", "classmethod", "contextmanager", "override")
NO_RULE = ("faults.reach(", "log.")  # where tests kill a worker, and what only a log reads
WHERE = (
    "filter",
    "exclude",
    "Q",
    "get",
    "update",
    "create",
    "get_or_create",
    "bulk_create",
)  # arguments are conditions

Edit = tuple[int, str, Callable[[], None]]


@dataclass(frozen=True)
class Mutant:
    """The how-manieth of a module's mistakes, where it is and what: `name` stays when other lines come and go."""

    number: int
    line: int
    name: str


def mutants(source: str) -> list[Mutant]:
    """Every mutant of a module, in the order of its lines."""
    lines, seen = source.splitlines(), Counter[str]()
    made = []
    for number, (line, what, _) in sorted(enumerate(_edits(ast.parse(source))), key=lambda each: each[1][0]):
        name = f"{lines[line - 1].strip()} [{what}]"
        seen[name] += 1
        made.append(Mutant(number, line, name if seen[name] == 1 else f"{name} {seen[name]}"))
    return made


def mistaken(source: str, mutant: Mutant) -> str:
    """The module with that mistake in it."""
    changed = ast.parse(source)
    _, _, apply = list(_edits(changed))[mutant.number]
    apply()
    return ast.unparse(ast.fix_missing_locations(changed)) + "\n"


def _edits(tree: ast.AST) -> Iterator[Edit]:
    for node, inside in _walk(tree, False):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield from _of_sql(node)
        elif inside:
            yield from _of_logic(node)
            yield from _of_statements(node)
            yield from _of_arguments(node)


def _walk(node: ast.AST, inside: bool) -> Iterator[tuple[ast.AST, bool]]:
    """What runs, and whether it is in a function; no types, no docstrings, no messages of errors."""
    inside = inside or isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    yield node, inside
    for name, value in ast.iter_fields(node):
        if name in ("annotation", "returns", "exc"):
            continue
        for child in value if isinstance(value, list) else [value]:
            said = isinstance(child, ast.Expr) and isinstance(child.value, ast.Constant)
            if isinstance(child, ast.AST) and not said:
                yield from _walk(child, inside)


def _of_logic(node: Any) -> Iterator[Edit]:
    match node:
        case ast.Compare():
            for place, op in enumerate(node.ops):
                if type(op) in FLIPS:
                    yield node.lineno, _said(op), partial(node.ops.__setitem__, place, FLIPS[type(op)]())
        case ast.BoolOp() | ast.BinOp():
            if type(node.op) in FLIPS and not _of_text(node):
                yield node.lineno, _said(node.op), partial(setattr, node, "op", FLIPS[type(node.op)]())
        case ast.Constant(value=bool()):
            yield node.lineno, f"{node.value} to {not node.value}", partial(setattr, node, "value", not node.value)
        case ast.Constant(value=int() | float()):
            yield node.lineno, f"{node.value} to {node.value + 1}", partial(setattr, node, "value", node.value + 1)
        case ast.If() | ast.IfExp() | ast.While():
            if not isinstance(node.test, ast.Compare | ast.BoolOp | ast.Constant):
                turned = ast.UnaryOp(ast.Not(), node.test)
                yield node.test.lineno, "condition turned round", partial(setattr, node, "test", turned)
        case ast.comprehension():
            for test in node.ifs:
                yield test.lineno, "condition of a comprehension left out", partial(node.ifs.remove, test)


def _of_statements(node: Any) -> Iterator[Edit]:
    for field in ("body", "orelse", "finalbody"):
        block = getattr(node, field, None)
        for place, each in enumerate(block if isinstance(block, list) else []):
            call = isinstance(each, ast.Expr) and isinstance(each.value, ast.Call | ast.Await)
            call = call and not ast.unparse(each).startswith(NO_RULE)
            if call or isinstance(each, ast.Raise | ast.AugAssign | ast.Continue | ast.Break):
                what = ast.unparse(each).partition("\n")[0][:60]
                yield each.lineno, f"left out: {what}", partial(block.__setitem__, place, ast.Pass())
    for each in getattr(node, "decorator_list", []):
        if ast.unparse(each).partition("(")[0].rpartition(".")[2] not in PLAIN:
            what = f"left out: @{ast.unparse(each)}"
            yield each.lineno, what, partial(node.decorator_list.remove, each)


def _of_arguments(node: Any) -> Iterator[Edit]:
    """A condition less; a part of a condition turned round."""
    if isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] in WHERE:
        for each in node.keywords:
            if each.arg and len(node.keywords) > 1:
                what = f"left out: {ast.unparse(each)[:60]}"
                yield each.value.lineno, what, partial(node.keywords.remove, each)
    for field, value in ast.iter_fields(node):
        for place, each in enumerate(value if isinstance(value, list) else [value]):
            if isinstance(each, ast.UnaryOp) and isinstance(each.op, ast.Not | ast.Invert):
                put = partial(value.__setitem__, place) if isinstance(value, list) else partial(setattr, node, field)
                yield each.lineno, f"left out: {_said(each.op)}", partial(put, each.operand)


def _of_sql(node: ast.Constant) -> Iterator[Edit]:
    text = node.value
    if not SQL.search(text):
        return
    for pattern, instead in IN_SQL:
        for found in pattern.finditer(text):
            if found[0] == "= " and ASSIGNED.search(text, 0, found.start()):
                continue
            line = node.lineno + text[: found.start()].count("\n")
            changed = text[: found.start()] + instead + text[found.end() :]
            yield (
                line,
                f"SQL: {found[0].strip()} to {instead.strip() or 'nothing'}",
                partial(setattr, node, "value", changed),
            )


def _of_text(node: Any) -> bool:
    """Whether this adds up words."""
    parts = (node.left, node.right) if isinstance(node, ast.BinOp) else ()
    return any(isinstance(each, ast.JoinedStr) or isinstance(getattr(each, "value", None), str) for each in parts)


def _said(op: ast.AST) -> str:
    return type(op).__name__
