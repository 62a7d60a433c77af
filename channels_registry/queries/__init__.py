"""Reads of channels_registry, each with the number of its queries."""

from channels_registry.queries.channels import (
    ChannelFilter,
    capability_table,
    channels_page,
    chosen_channels,
    connections_of,
    last_ended,
    said_of_channels,
)
from channels_registry.queries.doors import (
    door_counts,
    doors_of_person,
    doors_page,
    identities_waiting,
    revocation_for,
    what_can_reach,
    who_could_reach,
)
from channels_registry.queries.waiting import trouble, waiting_for

__all__ = [
    "ChannelFilter", "capability_table", "channels_page", "chosen_channels", "connections_of", "door_counts",
    "doors_of_person", "doors_page", "identities_waiting", "last_ended", "revocation_for", "said_of_channels",
    "trouble", "waiting_for", "what_can_reach", "who_could_reach",
]  # fmt: skip
