from channels_registry.models.access_grant import AccessGrant, ChannelUserPermission, Entitlement
from channels_registry.models.channel import Channel
from channels_registry.models.connection import Connection, ConnectionBudget
from channels_registry.models.custody import ConnectionChange, ConnectionWarning, Rehearsal
from channels_registry.models.measurement import ChannelMeasurement
from channels_registry.models.network_identity import NetworkIdentity
from channels_registry.models.revocation import Proof, Revocation, RevocationAttempt

__all__ = [
    "AccessGrant", "Channel", "ChannelMeasurement", "ChannelUserPermission", "Connection", "ConnectionBudget",
    "ConnectionChange", "ConnectionWarning", "Entitlement", "NetworkIdentity", "Proof", "Rehearsal", "Revocation",
    "RevocationAttempt",
]  # fmt: skip
