from governance.models.access_review import (
    AccessReview,
    Attestation,
    ReviewItem,
    ReviewSample,
    ReviewTurn,
    SampledItem,
)
from governance.models.evidence import EvidenceBundle
from governance.models.legal_hold import Erasure, LegalHold
from governance.models.offboarding_case import CaseDoor, OffboardingCase, RiskAcceptance

__all__ = [
    "AccessReview",
    "Attestation",
    "CaseDoor",
    "Erasure",
    "EvidenceBundle",
    "LegalHold",
    "OffboardingCase",
    "ReviewItem",
    "ReviewSample",
    "ReviewTurn",
    "RiskAcceptance",
    "SampledItem",
]
