from accounts.models.absence import Absence
from accounts.models.api_token import ApiAnswer, ApiToken, Scope
from accounts.models.audit_event import AuditEvent, AuditHead, AuditRedaction, AuditSeal
from accounts.models.departure import Departure
from accounts.models.directory import DirectoryEntry, DirectoryKey, DirectoryMatter, HookMessage, Move
from accounts.models.invitation import Invitation
from accounts.models.leaver_list import LeaverList, LeaverRow
from accounts.models.mail_delivery import MailAttempt, MailDelivery
from accounts.models.notification import Notification
from accounts.models.person import Person, Role, RoleAssignment
from accounts.models.team import Team, TeamMembership
from accounts.models.user import User
from accounts.models.webhook_endpoint import WebhookAttempt, WebhookDelivery, WebhookEndpoint

__all__ = [
    "Absence", "ApiAnswer", "ApiToken", "AuditEvent", "AuditHead", "AuditRedaction", "AuditSeal", "Departure",
    "DirectoryEntry", "DirectoryKey", "DirectoryMatter", "HookMessage", "Invitation", "LeaverList", "LeaverRow",
    "MailAttempt", "MailDelivery", "Move", "Notification", "Person", "Role", "RoleAssignment", "Scope", "Team",
    "TeamMembership", "User", "WebhookAttempt", "WebhookDelivery", "WebhookEndpoint",
]  # fmt: skip
