from governance.models.access_review import (
    AccessReview,
    Attestation,
    ReviewItem,
    ReviewSample,
    ReviewTurn,
    SampledItem,
)
from governance.models.evidence import EvidenceBundle
from governance.models.offboarding_case import CaseDoor, OffboardingCase, RiskAcceptance

__all__ = [
    "AccessReview",
    "Attestation",
    "CaseDoor",
    "EvidenceBundle",
    "OffboardingCase",
    "ReviewItem",
    "ReviewSample",
    "ReviewTurn",
    "RiskAcceptance",
    "SampledItem",
]
