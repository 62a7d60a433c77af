"""Who is behind a session or a password. Read at every request, so a leaver is out at the minute, whatever has run."""

from functools import cache

from allauth.account.auth_backends import AuthenticationBackend
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.db.models import Exists, OuterRef, QuerySet

from accounts.models import Person, Role, RoleAssignment, User
from accounts.permissions import may_sign_in


class LoginBackend(AuthenticationBackend):
    def get_user(self, user_id: int) -> User | None:
        """The user of a session with their person, or None if they left or their login is shut. One query."""
        return _users().filter(pk=user_id).first()

    def user_can_authenticate(self, user: AbstractBaseUser | None) -> bool:
        return may_sign_in(user)

    def _check_password(self, user: AbstractBaseUser | None, password: str) -> AbstractBaseUser | None:
        """allauth hands an inactive user on, to tell them so. Here a shut login looks like a wrong password."""
        if user is None:
            return None
        self._did_check_password = True
        return user if user.check_password(password) and self.user_can_authenticate(user) else None


def may_use_tokens() -> QuerySet:
    """Who may sign in with a verified address, and has the second factor that is asked of them."""
    users: QuerySet = _users().filter(Exists(EmailAddress.objects.filter(user=OuterRef("pk"), verified=True)))
    return users.exclude(is_admin=True, has_second_factor=False) if settings.SECOND_FACTOR_REQUIRED else users


@cache
def _users() -> QuerySet:
    """Users who may sign in, with what the gate asks at every request; put together once, and asked anew each time."""
    admin = RoleAssignment.objects.filter(person=OuterRef("person"), role=Role.ADMIN, ended_at=None)
    second = Authenticator.objects.filter(
        user=OuterRef("pk"), type__in=[Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN]
    )
    users = User.objects.filter(is_active=True, person__in=Person.objects.present()).select_related("person")
    return users.annotate(is_admin=Exists(admin), has_second_factor=Exists(second))
