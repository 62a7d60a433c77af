"""Links that set a new password. (A module of its own on Django's base: allauth reads its settings while importing.)"""

from django.contrib.auth.tokens import PasswordResetTokenGenerator

from accounts.models import User
from accounts.permissions import may_sign_in


class ResetTokens(PasswordResetTokenGenerator):
    key_salt = "accounts.password-reset"

    def _make_hash_value(self, user: User, timestamp: int) -> str:
        """Also void after a departure, a shut login, a change of address, or the end of all sessions."""
        return f"{super()._make_hash_value(user, timestamp)}{user.email}{user.session_epoch}{may_sign_in(user)}"

    def check_token(self, user: User | None, token: str | None) -> bool:
        return may_sign_in(user) and super().check_token(user, token)
