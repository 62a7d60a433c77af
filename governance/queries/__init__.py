"""Reads of governance, one file a subject."""

from governance.queries.cases import (
    PROVEN,
    SHUT_WITHIN,
    authorised_by,
    cases,
    channels_left,
    closed_too_early,
    doors,
    doors_before,
    doors_outside,
    grades,
    population,
    reach,
    trail,
    waiting_for,
    work_counts,
    work_left,
)
from governance.queries.requests import (
    CONFIRMERS,
    approvers,
    givers,
    glasses_waiting,
    open_glasses,
    to_approve,
    to_give,
)

__all__ = [
    "CONFIRMERS", "PROVEN", "SHUT_WITHIN", "approvers", "authorised_by", "cases", "channels_left", "closed_too_early",
    "doors", "doors_before", "doors_outside", "givers", "glasses_waiting", "grades", "open_glasses", "population",
    "reach", "to_approve", "to_give", "trail", "waiting_for", "work_counts", "work_left",
]  # fmt: skip
