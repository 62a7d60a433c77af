"""Posts from a file: bring it, have every row checked, mend what is wrong, have drafts made of what is right.

The machinery is socialops.lib.bringing; here is what a row of posts means to it.
"""

from collections.abc import Mapping
from typing import Any

from django.core.exceptions import PermissionDenied

from accounts import audit
from accounts.models import Person
from publishing.making import make_until
from publishing.models import Import, ImportRow
from publishing.permissions import may_draft_somewhere
from publishing.queries.columns import guessed, problems_of_mapping
from publishing.queries.wishes import seen_channels
from publishing.sifting import judged
from socialops.lib import bringing, wall_clock

audit.register("import.read", "handed in a file of posts")
audit.register("import.checked", "had a file of posts checked")
audit.register("import.started", "had posts made of a file")
audit.register("import.finished", "finished making posts of a file")
audit.register("import.stopped", "stopped an import")
audit.register("import.row_mended", "mended a row of an import")


class _Posts(bringing.Importing):
    model, row_model, prefix, made = Import, ImportRow, "import", "posts"

    def require(self, by: Person) -> None:
        if not may_draft_somewhere(by):
            raise PermissionDenied("Only people who may write on a channel import posts. Ask who manages one.")

    def guessed(self, by: Person, headers: list[str]) -> dict[str, int]:
        return guessed(headers, seen_channels(by))

    def problems_of_mapping(self, mapping: Mapping[str, int]) -> dict[str, str]:
        return problems_of_mapping(mapping)

    def judge(self, of: Import, rows: list[ImportRow], problems: Mapping[int, str]) -> None:
        judged(of, rows, problems)

    def make_until(self, of: Import, end: float) -> bool:
        return make_until(of, end)

    def record(self, by: Person, action: str, of: Import, **data: Any) -> None:
        audit.record(by, action, of, **data)

    def dress(self, of: Import) -> None:
        of.time_zone = of.by.time_zone


_POSTS = _Posts()
read, read_as, start, stop, mend, work_due = (
    _POSTS.read, _POSTS.read_as, _POSTS.start, _POSTS.stop, _POSTS.mend, _POSTS.work_due,
)  # fmt: skip


def check(of: Import, by: Person, mapping: Mapping[str, int], time_zone: str) -> Import:
    """Have every row checked with these columns; times that name no zone are of this one."""
    wall_clock.known_time_zone(time_zone)
    return _POSTS.check(of, by, mapping, time_zone=time_zone)
