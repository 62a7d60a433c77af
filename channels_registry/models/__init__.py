from channels_registry.models.access_grant import AccessGrant, ChannelUserPermission, Entitlement
from channels_registry.models.bulk import ChannelImport, ChannelRow
from channels_registry.models.channel import Channel, RecordReview
from channels_registry.models.connection import Connection, ConnectionBudget
from channels_registry.models.custody import ConnectionChange, ConnectionWarning, Rehearsal
from channels_registry.models.finding import Finding
from channels_registry.models.impostor import ImpostorReport, ImpostorStep
from channels_registry.models.kept import Rotation, SharedLogin, Tool
from channels_registry.models.lifecycle import ChannelMove, ChannelProposal, OpeningAnswer, Retirement
from channels_registry.models.matrix_view import MatrixView
from channels_registry.models.measurement import ChannelMeasurement
from channels_registry.models.network_identity import NetworkIdentity
from channels_registry.models.revocation import Proof, Revocation, RevocationAttempt
from channels_registry.models.risk import RiskOverride

__all__ = [
    "AccessGrant", "Channel", "ChannelImport", "ChannelMeasurement", "ChannelMove", "ChannelProposal", "ChannelRow",
    "ChannelUserPermission", "Connection", "ConnectionBudget", "ConnectionChange", "ConnectionWarning", "Entitlement",
    "Finding", "ImpostorReport", "ImpostorStep", "MatrixView", "NetworkIdentity", "OpeningAnswer", "Proof",
    "RecordReview", "Rehearsal", "Retirement", "Revocation", "RevocationAttempt", "RiskOverride", "Rotation",
    "SharedLogin", "Tool",
]  # fmt: skip
