from governance.models.evidence import EvidenceBundle
from governance.models.offboarding_case import CaseDoor, OffboardingCase, RiskAcceptance

__all__ = ["CaseDoor", "EvidenceBundle", "OffboardingCase", "RiskAcceptance"]
