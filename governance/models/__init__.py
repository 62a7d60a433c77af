from governance.models.evidence import EvidenceBundle
from governance.models.offboarding_case import CaseDoor, OffboardingBatch, OffboardingCase, RiskAcceptance

__all__ = ["CaseDoor", "EvidenceBundle", "OffboardingBatch", "OffboardingCase", "RiskAcceptance"]
