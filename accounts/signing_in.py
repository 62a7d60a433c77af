"""What somebody did to their own login, in the trail. allauth does it and tells by signals."""

import structlog
from allauth.account import signals as account_signals
from allauth.mfa import signals as mfa_signals
from django.contrib.auth.signals import user_login_failed
from django.db import transaction

from accounts import audit

log = structlog.get_logger(__name__)
DONE = {
    "login.signed_in": "signed in",
    "login.password_changed": "changed their password",
    "login.password_reset": "set a new password by a link",
    "login.factor_added": "added a second factor",
    "login.factor_removed": "removed a second factor",
    "login.codes_renewed": "made new recovery codes",
}
for _action, _words in DONE.items():
    audit.register(_action, _words)
_SIGNALS = [
    (account_signals.user_logged_in, "login.signed_in"),
    (account_signals.password_changed, "login.password_changed"),
    (account_signals.password_reset, "login.password_reset"),
    (mfa_signals.authenticator_added, "login.factor_added"),
    (mfa_signals.authenticator_removed, "login.factor_removed"),
    (mfa_signals.authenticator_reset, "login.codes_renewed"),
]


def listen() -> None:
    for signal, action in _SIGNALS:
        signal.connect(_recorder(action), weak=False, dispatch_uid=f"accounts.{action}")
    user_login_failed.connect(_log_failure, dispatch_uid="accounts.login_failed")


def _recorder(action: str):
    def record(sender, user, **details) -> None:
        factor = getattr(details.get("authenticator"), "type", "")
        with transaction.atomic():
            audit.record(user.person, action, user.person, **({"factor": str(factor)} if factor else {}))

    return record


def _log_failure(sender, credentials, request=None, **details) -> None:
    """A guess is for the log and its alarms, not for the trail: anybody could fill that."""
    log.warning("login_failed", email=str(credentials.get("email", ""))[:254])
