"""Planned failures. POST /_faults {"kind": ..., "match": {...}, "count": 1} and the next matching requests fail that
way.

After the commit (the thing exists, the caller cannot know):   hang  reset_after  error_after  garbage  slow_body
Before it (nothing exists):                                    reset_before  error_before  storm  dead_token
It exists a while after the failed answer:                     late_commit
The server answers yes and does nothing:                       lie
A list comes wrong:                                            out_of_order  duplicates  half_list

`match`: method, path (a part of it), text (a part of the body); all that are given must fit. `after`: let so many
pass first. `count` -1: until deleted. `seconds`: for storm (Retry-After), slow_body, late_commit. `chance`: 0..1, for
random failure.
"""

import random
from dataclasses import dataclass, field
from typing import Any

from socialops.sandbox.wire import Answer, Problem, Request

BEFORE = {"reset_before", "error_before", "storm", "dead_token", "late_commit", "lie"}
AFTER = {"hang", "reset_after", "error_after", "garbage", "slow_body"}
LISTS = {"out_of_order", "duplicates", "half_list"}
KINDS = BEFORE | AFTER | LISTS


@dataclass
class Fault:
    kind: str
    match: dict[str, str] = field(default_factory=dict)
    count: int = 1
    after: int = 0
    seconds: float = 1.0
    chance: float = 1.0
    hits: int = 0

    def takes(self, request: Request) -> bool:
        """Whether this request fails; counts it if so."""
        wanted = self.match
        if self.count == 0 or ("method" in wanted and wanted["method"] != request.method):
            return False
        if wanted.get("path", "") not in request.path or wanted.get("text", "").encode() not in request.body:
            return False
        if self.after > 0:
            self.after -= 1
            return False
        if self.chance < 1.0 and random.random() >= self.chance:  # noqa: S311 (not a secret)
            return False
        self.count -= 1 if self.count > 0 else 0
        self.hits += 1
        return True


class Faults:
    def __init__(self) -> None:
        self._planned: list[Fault] = []

    def plan(self, wish: dict[str, Any]) -> dict[str, Any]:
        if wish.get("kind") not in KINDS:
            raise Problem(422, "unknown_fault", f"Known faults: {', '.join(sorted(KINDS))}.")
        try:
            fault = Fault(**wish)
        except TypeError as error:
            raise Problem(422, "unknown_fault", str(error)) from error
        self._planned.append(fault)
        return vars(fault)

    def clear(self) -> None:
        self._planned.clear()

    def listed(self) -> list[dict[str, Any]]:
        return [vars(fault) for fault in self._planned]

    def next(self, request: Request) -> Fault | None:
        if not self._planned:
            return None
        return next((fault for fault in self._planned if fault.takes(request)), None)


def instead(fault: Fault) -> Answer | None:
    """The answer of a fault that strikes before the commit; None if it strikes after."""
    if fault.kind == "reset_before":
        return Answer(breaks="reset")
    if fault.kind == "error_before":
        return Answer(503, {"error": "unavailable", "message": "Try again later."})
    if fault.kind == "late_commit":
        return Answer(500, {"error": "internal", "message": "Something went wrong."})
    if fault.kind == "storm":
        wait = {"Retry-After": f"{fault.seconds:g}"}
        return Answer(429, {"error": "rate_limited", "message": "Too many requests."}, wait)
    if fault.kind == "dead_token":
        return Answer(401, {"error": "token_revoked", "message": "This token is no longer valid."})
    if fault.kind == "lie":
        return Answer(200, {"ok": True})
    return None


def spoiled(fault: Fault, answer: Answer) -> Answer:
    """The answer of a fault that strikes after the commit."""
    if fault.kind == "hang":
        return Answer(breaks="hang")
    if fault.kind == "reset_after":
        return Answer(breaks="reset")
    if fault.kind == "error_after":
        return Answer(500, {"error": "internal", "message": "Something went wrong."})
    if fault.kind == "garbage":
        return Answer(200, b"<html>cut off in the mid")
    if fault.kind == "slow_body":
        return Answer(answer.status, answer.content, answer.headers, breaks="slow", seconds=fault.seconds)
    if fault.kind in LISTS and isinstance(answer.content, dict) and isinstance(answer.content.get("items"), list):
        items = answer.content["items"]
        if fault.kind == "out_of_order":
            items = items[::-1]
        elif fault.kind == "duplicates":
            items = [each for item in items for each in (item, item)]
        else:
            items = items[: len(items) // 2]
        return Answer(answer.status, {**answer.content, "items": items}, answer.headers)
    return answer
