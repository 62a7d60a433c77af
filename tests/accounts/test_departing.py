"""A departure is a fact: from its minute on the person is out, with nothing running. The sweep comes after."""

from datetime import UTC, datetime, timedelta

import pytest
from allauth.account.forms import default_token_generator
from allauth.account.utils import user_pk_to_url_str
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import (
    TOTP,
    format_hotp_value,
    generate_totp_secret,
    hotp_value,
    yield_hotp_counters_from_time,
)
from allauth.usersessions.models import UserSession
from django.core import mail
from django.core.exceptions import PermissionDenied, ValidationError
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts import departing, inviting
from accounts.models import AuditEvent, Departure, Invitation, User
from accounts.permissions import has_role, is_present
from tests.factories import PASSWORD, departed, erin, monday, person, signed_in, user

pytestmark = pytest.mark.django_db


def wall(*ymdhm):
    return datetime(*ymdhm)


def a_code(secret):
    return format_hotp_value(hotp_value(secret, next(yield_hotp_counters_from_time())))


def signs_in(who, password=PASSWORD):
    client = Client()
    client.post(reverse("account_login"), {"login": who.email, "password": password})
    return client


def is_in(client):
    return client.get(reverse("settings")).status_code == 200


# --- Who may say it, and when ----------------------------------------------------------------------------------------


def test_an_administrator_records_a_departure_and_the_trail_keeps_it():
    dana = person("dana")
    departure = departing.mark_departed(dana, monday(17), "Europe/Paris", erin(), "new job")
    event = AuditEvent.objects.get(action="departure.recorded")
    assert (event.actor, event.subject_label, event.data["reason"]) == (erin(), "Dana", "new job")
    assert departure.wall_time == monday(17).replace(tzinfo=UTC)
    assert is_present(dana)


@pytest.mark.parametrize("role", [None, "auditor", "social_lead"])
def test_charlie_may_not_record_a_departure(role):
    charlie = person("charlie", *([role] if role else []))
    with pytest.raises(PermissionDenied):
        departing.mark_departed(person("dana"), monday(), "UTC", charlie)


def test_nobody_records_or_withdraws_their_own_departure():
    ines = person("ines", "admin")
    with pytest.raises(ValidationError, match="their own"):
        departing.mark_departed(ines, monday(), "UTC", ines)
    departure = departing.mark_departed(ines, monday(), "UTC", erin())
    with pytest.raises(ValidationError, match="their own"):
        departing.withdraw_departure(departure, ines)


def test_the_last_administrator_cannot_leave_nor_two_by_one_another():
    ines = person("ines", "admin")
    departing.mark_departed(ines, monday(), "UTC", erin())
    with pytest.raises(ValidationError, match="only administrator who stays"):
        departing.mark_departed(erin(), monday(), "UTC", ines)


def test_a_departed_administrator_can_do_nothing():
    ines = person("ines", "admin")
    departed(ines)
    assert not has_role(ines, "admin")
    with pytest.raises(PermissionDenied):
        departing.mark_departed(person("dana"), monday(), "UTC", ines)


def test_a_wall_time_that_the_clocks_skip_is_refused_and_the_next_one_named():
    with pytest.raises(ValidationError) as refused:
        departing.mark_departed(person("dana"), wall(2027, 3, 28, 2, 30), "Europe/Berlin", erin())
    assert "02:30 does not exist in Europe/Berlin on 28 March 2027" in refused.value.message_dict["at"][0]
    assert "28 March, 03:30" in refused.value.message_dict["at"][0]


def test_a_wall_time_that_comes_twice_is_its_first():
    departure = departing.mark_departed(person("dana"), wall(2027, 10, 31, 2, 30), "Europe/Berlin", erin())
    assert departure.at == datetime(2027, 10, 31, 0, 30, tzinfo=UTC)


def test_an_unknown_zone_is_named():
    with pytest.raises(ValidationError) as refused:
        departing.mark_departed(person("dana"), monday(), "Europe/Pariss", erin())
    assert "Europe/Pariss" in refused.value.message_dict["time_zone"][0]


def test_said_late_it_counts_from_when_it_was_and_a_slip_of_the_year_is_refused():
    last_week = timezone.now().replace(tzinfo=None) - timedelta(days=7)
    departing.mark_departed(person("dana"), last_week, "UTC", erin())
    assert not is_present(person("dana", login=False))
    for days in (-40, 800):
        with pytest.raises(ValidationError, match="Check the date"):
            departing.mark_departed(person("bob"), monday() + timedelta(days=days), "UTC", erin())


def test_one_departure_at_a_time():
    departed(person("dana"), timedelta(days=-1))
    with pytest.raises(ValidationError, match="already"):
        departing.mark_departed(person("dana"), monday(), "UTC", erin())


def test_before_its_minute_it_can_be_withdrawn_and_afterwards_not():
    departure = departed(person("dana"), timedelta(days=-1))
    departing.withdraw_departure(departure, erin())
    assert is_present(person("dana"))
    assert AuditEvent.objects.filter(action="departure.withdrawn").exists()
    gone = departed(person("dana"))
    with pytest.raises(ValidationError, match="invite them again"):
        departing.withdraw_departure(gone, erin())


# --- Out at the minute: nothing has run but the row is there --------------------------------------------------------


def test_an_open_session_is_dead_at_the_next_request_although_nothing_was_swept():
    client = signed_in(person("dana"))
    assert is_in(client)
    departed(person("dana"))
    assert client.get(reverse("settings")).url.startswith(reverse("account_login"))
    assert User.objects.get(person=person("dana")).is_active


def test_a_departure_ahead_leaves_the_session_alone_until_its_second():
    client = signed_in(person("dana"))
    departure = departed(person("dana"), timedelta(hours=-1))
    assert is_in(client)
    Departure.objects.filter(pk=departure.pk).update(at=timezone.now())
    assert not is_in(client)


def test_a_leaver_cannot_sign_in_and_is_told_what_a_wrong_password_is_told():
    dana, bob = person("dana"), person("bob")
    user(dana, PASSWORD), user(bob, PASSWORD)
    departed(dana)
    answers = [
        Client().post(reverse("account_login"), {"login": email, "password": password}).content.decode()
        for email, password in [(dana.email, PASSWORD), (bob.email, "wrong"), ("nobody@example.test", "wrong")]
    ]
    said = [answer.count("not correct") for answer in answers]
    assert said[0] == said[1] == said[2] > 0
    assert is_in(signs_in(bob))


def test_a_reset_link_from_before_is_dead_after_and_none_is_sent_any_more(settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    dana = user(person("dana"), PASSWORD)
    link = reverse(
        "account_reset_password_from_key", args=[user_pk_to_url_str(dana), default_token_generator.make_token(dana)]
    )
    assert b"token_fail" not in Client().get(link, follow=True).content
    assert default_token_generator.check_token(dana, link.split("-", 1)[1].rstrip("/"))
    departed(dana.person)
    assert not default_token_generator.check_token(dana, link.split("-", 1)[1].rstrip("/"))
    Client().post(reverse("account_reset_password"), {"email": dana.email})
    assert not [sent for sent in mail.outbox if "password/reset/key" in sent.body]


def test_a_second_factor_stage_begun_before_does_not_end_in_a_session():
    dana = user(person("dana"), PASSWORD)
    secret = generate_totp_secret()
    TOTP.activate(dana, secret)
    client = signs_in(dana.person)
    assert client.get(reverse("mfa_authenticate")).status_code == 200
    departed(dana.person)
    answer = client.post(reverse("mfa_authenticate"), {"code": a_code(secret)})
    assert answer.url == reverse("account_inactive")
    assert not is_in(client)


def test_a_recovery_code_does_not_let_a_leaver_in():
    dana = user(person("dana"), PASSWORD)
    TOTP.activate(dana, generate_totp_secret())
    code = RecoveryCodes.activate(dana).get_unused_codes()[0]
    client = signs_in(dana.person)
    departed(dana.person)
    client.post(reverse("mfa_authenticate"), {"code": code})
    assert not is_in(client)


def test_a_user_whose_login_was_shut_meanwhile_does_not_get_in_by_the_stage_either():
    dana = user(person("dana"), PASSWORD)
    secret = generate_totp_secret()
    TOTP.activate(dana, secret)
    client = signs_in(dana.person)
    User.objects.filter(pk=dana.pk).update(is_active=False)
    client.post(reverse("mfa_authenticate"), {"code": a_code(secret)})
    assert not is_in(client)


def test_an_invitation_from_before_does_not_let_a_leaver_back_after_the_sweep():
    dana = person("dana", login=False)
    token = inviting.link(inviting.invite(dana, erin())).rstrip("/").rsplit("/", 1)[1]
    departed(dana, timedelta(seconds=0))
    departing.sweep_departed()
    with pytest.raises(ValidationError):
        inviting.accept(token, PASSWORD)


@pytest.mark.parametrize("ago", [timedelta(0), timedelta(hours=1), timedelta(days=7)])
def test_nor_before_the_sweep_not_even_when_the_departure_was_said_late(ago):
    """Invited after the moment she left, before anybody said so: not an invitation back."""
    dana = person("dana", login=False)
    token = inviting.link(inviting.invite(dana, erin())).rstrip("/").rsplit("/", 1)[1]
    departed(dana, ago)
    assert Client().get(reverse("invitation", args=[token])).status_code == 410
    with pytest.raises(ValidationError, match="not good any more"):
        inviting.accept(token, PASSWORD)
    assert not is_present(dana) and not User.objects.filter(person=dana).exists()
    departing.sweep_departed()
    assert Invitation.objects.get().withdrawn_at


def test_until_a_departure_ahead_has_come_an_invitation_is_good():
    dana = person("dana", login=False)
    departed(dana, -timedelta(days=3))
    token = inviting.link(inviting.invite(dana, erin())).rstrip("/").rsplit("/", 1)[1]
    inviting.opened(token)
    Departure.objects.update(at=timezone.now())
    with pytest.raises(ValidationError):
        inviting.opened(token)


# --- The sweep, and coming back ---------------------------------------------------------------------------------------


def swept_dana():
    dana = user(person("dana", "social_lead"), PASSWORD)
    TOTP.activate(dana, generate_totp_secret())
    RecoveryCodes.activate(dana)
    client = signed_in(dana.person)
    bare = Client()
    bare.force_login(dana)
    UserSession.objects.filter(session_key=bare.session.session_key).delete()  # a session without a row
    departed(dana.person)
    assert departing.sweep_departed() == 1
    return dana, client, bare


def test_the_sweep_ends_sessions_keys_password_and_roles_and_records_it_once():
    dana, *_ = swept_dana()
    dana.refresh_from_db()
    assert not dana.is_active and not dana.has_usable_password() and dana.session_epoch == 1
    assert not UserSession.objects.filter(user=dana).exists() and not Authenticator.objects.filter(user=dana).exists()
    assert not dana.person.roles.filter(ended_at=None).exists()
    event = AuditEvent.objects.get(action="departure.swept")
    assert (event.actor, event.data["second_factors"], event.data["roles"]) == (None, 2, 1)
    assert departing.sweep_departed() == 0


def test_coming_back_by_a_new_invitation_revives_nothing():
    dana, client, bare = swept_dana()
    token = inviting.link(inviting.invite(dana.person, erin())).rstrip("/").rsplit("/", 1)[1]
    assert not is_present(dana.person)
    inviting.accept(token, "another sentence that is long enough")
    assert is_present(dana.person) and not has_role(dana.person, "social_lead")
    assert not is_in(client) and not is_in(bare)
    assert not is_in(signs_in(dana.person))
    assert is_in(signs_in(dana.person, "another sentence that is long enough"))
    assert Departure.objects.get(person=dana.person).returned_at
    assert AuditEvent.objects.filter(action="person.returned").exists()


def test_one_that_breaks_is_logged_and_costs_the_others_nothing(monkeypatch, caplog):
    dana, zoe = user(person("dana")), user(person("zoe"))
    real = departing._end_login

    def breaks(login):
        if login == dana:
            raise RuntimeError("nobody thought of this")
        return real(login)

    monkeypatch.setattr(departing, "_end_login", breaks)
    departed(dana.person, timedelta(minutes=2)), departed(zoe.person)
    assert departing.sweep_departed() == 1
    zoe.refresh_from_db()
    assert not zoe.is_active and "nobody thought of this" in caplog.text
    monkeypatch.undo()
    assert departing.sweep_departed() == 1


def test_back_before_the_sweep_has_run_revives_nothing_either():
    dana = person("dana", "social_lead")
    client = signed_in(dana)
    departed(dana)
    token = inviting.link(inviting.invite(dana, erin())).rstrip("/").rsplit("/", 1)[1]
    inviting.accept(token, PASSWORD)
    assert is_present(dana) and not has_role(dana, "social_lead") and not is_in(client)


def test_switching_a_login_on_again_in_the_database_revives_no_session():
    dana, client, bare = swept_dana()
    User.objects.filter(pk=dana.pk).update(is_active=True)
    Departure.objects.update(withdrawn_at=timezone.now())
    assert not is_in(client) and not is_in(bare)


def test_who_came_back_can_leave_again():
    dana, *_ = swept_dana()
    token = inviting.link(inviting.invite(dana.person, erin())).rstrip("/").rsplit("/", 1)[1]
    inviting.accept(token, PASSWORD)
    departed(dana.person, timedelta(seconds=0))
    assert not is_present(dana.person)
    assert departing.sweep_departed() == 1
