"""An invitation makes a login, once, for the one it names, and only while it is good."""

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts import inviting
from accounts.models import Invitation, User
from tests.factories import PASSWORD, erin, person

pytestmark = pytest.mark.django_db


def test_an_invitation_makes_a_login_with_a_verified_address_once():
    dana = person("dana", login=False)
    token = inviting.link(inviting.invite(dana, erin())).rstrip("/").rsplit("/", 1)[1]
    client = Client()
    page = reverse("invitation", args=[token])
    assert "dana@example.test" in client.get(page).content.decode()
    assert client.post(page, {"password": PASSWORD, "email": "evil@example.test"}).url == reverse("account_login")
    made = User.objects.get(person=dana)
    assert made.email == dana.email and made.emailaddress_set.get().verified
    assert client.post(page, {"password": PASSWORD}).status_code == 410
    client.post(reverse("account_login"), {"login": dana.email, "password": PASSWORD})
    assert client.get(reverse("settings")).status_code == 200


def test_a_short_password_is_refused_beside_its_field_and_the_link_stays_good():
    token = inviting.link(inviting.invite(person("dana", login=False), erin())).rstrip("/").rsplit("/", 1)[1]
    page = reverse("invitation", args=[token])
    answer = Client().post(page, {"password": "short"})
    assert answer.status_code == 422 and "too short" in answer.content.decode()
    assert Client().get(page).status_code == 200


def test_a_forged_link_one_for_another_purpose_an_old_and_a_replaced_one_do_not_open():
    from django.core import signing

    dana = person("dana", login=False)
    first = inviting.invite(dana, erin())
    old = inviting.link(first).rstrip("/").rsplit("/", 1)[1]
    second = inviting.invite(dana, erin())
    late = inviting.link(second).rstrip("/").rsplit("/", 1)[1]
    for token in ("x", f"{second.pk}:1:abc", signing.dumps(second.pk, salt="another.purpose"), old):
        with pytest.raises(ValidationError):
            inviting.opened(token)
    Invitation.objects.filter(pk=second.pk).update(expires_at=timezone.now())
    with pytest.raises(ValidationError):
        inviting.opened(late)


def test_charlie_may_not_invite_and_a_link_is_never_in_the_database():
    with pytest.raises(PermissionDenied):
        inviting.invite(person("dana", login=False), person("charlie"))
    invitation = inviting.invite(person("dana", login=False), erin())
    from accounts.models import MailDelivery

    assert inviting.link(invitation) not in MailDelivery.objects.get(person=invitation.person).body
