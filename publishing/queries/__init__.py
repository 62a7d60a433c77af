"""What the pages and the verbs of publishing read."""

from publishing.queries.calendar import Entry, entries, going_out
from publishing.queries.checking import Measure, connector_of, measure, now, problems, variants_of
from publishing.queries.deciding import Brief, approvals_for, approvers_of, brief, seen_before
from publishing.queries.holds import held_by, holds_on, standing_holds
from publishing.queries.waiting import count_approvals, count_waiting, trouble, waiting_for

__all__ = [
    "Brief", "Entry", "Measure", "approvals_for", "approvers_of", "brief", "connector_of", "count_approvals",
    "count_waiting", "entries", "going_out", "held_by", "holds_on", "measure", "now", "problems", "seen_before",
    "standing_holds", "trouble", "variants_of", "waiting_for",
]  # fmt: skip
