"""A login. Everything about the human is on Person."""

from typing import ClassVar

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager, PermissionsMixin
from django.db import models
from django.db.models import Q
from django.utils.crypto import salted_hmac


class UserManager(BaseUserManager["User"]):
    def create_user(self, email, password=None, *, person):
        user = self.model(email=self.normalize_email(email).lower(), person=person)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def get_by_natural_key(self, username):
        return self.get(email=username.lower())


class User(AbstractBaseUser, PermissionsMixin):
    """`session_epoch` is mixed into every session's hash: raising it ends all of them at their next request."""

    email = models.EmailField(unique=True)
    person = models.OneToOneField("accounts.Person", models.PROTECT, related_name="user")
    is_active = models.BooleanField(default=True)
    session_epoch = models.PositiveIntegerField(default=0)
    date_joined = models.DateTimeField(auto_now_add=True)

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []
    objects = UserManager()

    class Meta:
        constraints = [
            # A superuser passes every permission check, so there is none in the product.
            models.CheckConstraint(condition=Q(is_superuser=False), name="no_superuser"),
        ]

    def __str__(self):
        return self.email

    def _get_session_auth_hash(self, secret=None):
        return salted_hmac(
            "accounts.User.session", f"{self.password}|{self.session_epoch}", secret=secret, algorithm="sha256"
        ).hexdigest()
