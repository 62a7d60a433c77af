"""Channels and their people from a file: bring it, have every row checked, mend what is wrong, have it entered.

The machinery is socialops.lib.bringing; here is what a row of channels means to it. Only administrators import.
"""

from collections.abc import Mapping
from typing import Any

from accounts import audit
from accounts.models import Person, Role
from accounts.permissions import require_role
from channels_registry.making import make_until
from channels_registry.models import ChannelImport, ChannelRow
from channels_registry.queries.columns import guessed, problems_of_mapping
from channels_registry.sifting import judged
from socialops.lib import bringing

audit.register("channel_import.read", "handed in a file of channels")
audit.register("channel_import.checked", "had a file of channels checked")
audit.register("channel_import.started", "had channels entered from a file")
audit.register("channel_import.finished", "finished entering channels from a file")
audit.register("channel_import.stopped", "stopped an import of channels")
audit.register("channel_import.row_mended", "mended a row of an import of channels")


class _Channels(bringing.Importing):
    model, row_model, prefix, made = ChannelImport, ChannelRow, "channel_import", "channels"

    def require(self, by: Person) -> None:
        require_role(by, Role.ADMIN)

    def guessed(self, by: Person, headers: list[str]) -> dict[str, int]:
        return guessed(headers)

    def problems_of_mapping(self, mapping: Mapping[str, int]) -> dict[str, str]:
        return problems_of_mapping(mapping)

    def judge(self, of: ChannelImport, rows: list[ChannelRow], problems: Mapping[int, str]) -> None:
        judged(of, rows, problems)

    def make_until(self, of: ChannelImport, end: float) -> bool:
        return make_until(of, end)

    def record(self, by: Person, action: str, of: ChannelImport, **data: Any) -> None:
        audit.record(by, action, of, **data)


_CHANNELS = _Channels()
read, read_as, check, start, stop, mend, work_due = (
    _CHANNELS.read, _CHANNELS.read_as, _CHANNELS.check, _CHANNELS.start, _CHANNELS.stop, _CHANNELS.mend,
    _CHANNELS.work_due,
)  # fmt: skip
