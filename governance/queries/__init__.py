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

__all__ = [
    "PROVEN", "SHUT_WITHIN", "authorised_by", "cases", "channels_left", "closed_too_early", "doors", "doors_before",
    "doors_outside", "grades", "population", "reach", "trail", "waiting_for", "work_counts", "work_left",
]  # fmt: skip
