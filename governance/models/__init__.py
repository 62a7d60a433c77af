from governance.models.access_request import AccessRequest, RequestDecision
from governance.models.access_review import (
    AccessReview,
    Attestation,
    ReviewItem,
    ReviewSample,
    ReviewTurn,
    SampledItem,
)
from governance.models.break_glass import BreakGlass
from governance.models.evidence import EvidenceBundle
from governance.models.legal_hold import Erasure, LegalHold
from governance.models.offboarding_case import CaseDoor, OffboardingBatch, OffboardingCase, RiskAcceptance

__all__ = [
    "AccessRequest",
    "AccessReview",
    "Attestation",
    "BreakGlass",
    "CaseDoor",
    "Erasure",
    "EvidenceBundle",
    "LegalHold",
    "OffboardingBatch",
    "OffboardingCase",
    "RequestDecision",
    "ReviewItem",
    "ReviewSample",
    "ReviewTurn",
    "RiskAcceptance",
    "SampledItem",
]
