"""Who is behind a session or a password. Read at every request, so a leaver is out at the minute, whatever has run."""

from allauth.account.auth_backends import AuthenticationBackend
from allauth.mfa.models import Authenticator
from django.contrib.auth.base_user import AbstractBaseUser
from django.db.models import Exists, OuterRef

from accounts.models import Person, Role, RoleAssignment, User
from accounts.permissions import may_sign_in


class LoginBackend(AuthenticationBackend):
    def get_user(self, user_id: int) -> User | None:
        """The user of a session with their person, or None if they left or their login is shut. One query."""
        return _users().filter(pk=user_id, is_active=True, person__in=Person.objects.present()).first()

    def user_can_authenticate(self, user: AbstractBaseUser | None) -> bool:
        return may_sign_in(user)

    def _check_password(self, user: AbstractBaseUser | None, password: str) -> AbstractBaseUser | None:
        """allauth hands an inactive user on, to tell them so. Here a shut login looks like a wrong password."""
        if user is None:
            return None
        self._did_check_password = True
        return user if user.check_password(password) and self.user_can_authenticate(user) else None


def _users():
    """Users with what the gate asks at every request."""
    admin = RoleAssignment.objects.filter(person=OuterRef("person"), role=Role.ADMIN, ended_at=None)
    second = Authenticator.objects.filter(
        user=OuterRef("pk"), type__in=[Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN]
    )
    return User.objects.select_related("person").annotate(is_admin=Exists(admin), has_second_factor=Exists(second))
