"""The gate: nobody passes without a session, administrators not without a second factor, and guesses run out."""

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import (
    TOTP,
    format_hotp_value,
    generate_totp_secret,
    hotp_value,
    yield_hotp_counters_from_time,
)  # fmt: skip
from django.core import mail
from django.test import Client
from django.urls import reverse

from accounts import sealing
from accounts.models import AuditEvent, Person
from tests.factories import PASSWORD, erin, person, signed_in, user

pytestmark = pytest.mark.django_db


def guess(email, password="wrong", **more):
    return Client().post(reverse("account_login"), {"login": email, "password": password}, **more)


# --- The gate -------------------------------------------------------------------------------------------------------


def test_a_page_asks_to_sign_in_and_comes_back_to_itself():
    answer = Client().get("/people/?q=dana")
    assert answer.url == "/account/login/?next=/people/%3Fq%3Ddana"


def test_a_fragment_sends_the_whole_page_to_sign_in():
    headers = {"HX-Request": "true", "HX-Current-URL": "http://testserver/people/"}
    answer = Client().get("/notifications/", headers=headers)
    assert answer.headers["HX-Redirect"] == "/account/login/?next=/people/"


def test_a_form_sent_with_a_dead_session_gives_its_text_back_and_no_password():
    answer = Client().post("/people/new/", {"name": "<b>Zoe</b>", "password": "secret", "csrfmiddlewaretoken": "x"})
    text = answer.content.decode()
    assert answer.status_code == 401
    assert "&lt;b&gt;Zoe&lt;/b&gt;" in text and "secret" not in text


def test_the_way_back_from_a_dead_session_stays_on_this_site():
    answer = Client().post("/people/new/", {"name": "Zoe"}, headers={"Referer": "http://testserver//evil.test/"})
    assert "evil" not in answer.content.decode()


def test_there_is_no_sign_up_and_no_second_address():
    answer = Client().post(reverse("account_signup"), {"email": "mallory@example.test", "password1": PASSWORD})
    assert answer.status_code == 200 and not Person.objects.filter(email="mallory@example.test").exists()
    assert signed_in(person("dana")).get(reverse("account_email")).status_code == 404


def test_an_administrator_without_a_second_factor_gets_no_further_than_setting_one_up(settings):
    settings.SECOND_FACTOR_REQUIRED = True
    client = signed_in(erin())
    assert client.get(reverse("person_list")).url == reverse("mfa_index")
    assert client.get(reverse("mfa_index")).status_code == 200
    TOTP.activate(user(erin()), generate_totp_secret())
    assert client.get(reverse("person_list")).status_code == 200
    assert signed_in(person("charlie")).get(reverse("person_list")).status_code == 200


def test_times_are_shown_on_the_reader_s_clock():
    page = signed_in(person("alice", time_zone="Asia/Tokyo")).get(reverse("settings"))
    assert 'value="Asia/Tokyo" selected' in page.content.decode()


# --- Guessing ---------------------------------------------------------------------------------------------------------


def test_guesses_on_one_account_run_out_wherever_they_come_from_and_whether_it_exists():
    dana = user(person("dana"), PASSWORD)
    for email in (dana.email, "nobody@example.test"):
        said = [guess(email, REMOTE_ADDR=f"192.0.2.{n}").content.decode() for n in range(7)]
        assert ["Too many" in text for text in said] == [False] * 5 + [True] * 2
    assert "Too many" in guess(dana.email, PASSWORD, REMOTE_ADDR="192.0.2.99").content.decode()


def test_guesses_from_one_address_run_out_whatever_the_account():
    answers = [guess(f"p{n}@example.test", REMOTE_ADDR="192.0.2.7") for n in range(32)]
    assert "Too many" in answers[21].content.decode() or answers[21].status_code == 429
    assert answers[-1].status_code == 429
    assert "Too many" not in guess("p1@example.test", REMOTE_ADDR="192.0.2.8").content.decode()


def test_guesses_of_a_code_run_out():
    dana = user(person("dana"), PASSWORD)
    TOTP.activate(dana, generate_totp_secret())
    client = Client()
    client.post(reverse("account_login"), {"login": dana.email, "password": PASSWORD})
    said = [client.post(reverse("mfa_authenticate"), {"code": "000000"}).content.decode() for _ in range(7)]
    assert ["Too many" in text for text in said][-1]


def test_the_reset_page_says_the_same_of_a_stranger_and_of_somebody(settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    user(person("dana"), PASSWORD)
    answers = [
        Client().post(reverse("account_reset_password"), {"email": e}) for e in ("dana@example.test", "x@example.test")
    ]
    assert answers[0].url == answers[1].url
    assert len(mail.outbox) == 2  # both send one, so that the time taken says nothing either


@pytest.mark.parametrize("host", ["testserver:1337", "localhost"])
def test_a_reset_link_leads_to_this_installation_whatever_the_request_says(settings, host):
    """The link opens an account: it must not go to another port or name that the sender of the request chose."""
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    settings.ALLOWED_HOSTS = [*settings.ALLOWED_HOSTS, "localhost"]
    user(person("dana"), PASSWORD)
    Client(headers={"host": host}).post(reverse("account_reset_password"), {"email": "dana@example.test"})
    assert f"{settings.BASE_URL}/account/password/reset/key/" in mail.outbox[0].body
    assert host not in mail.outbox[0].body


@pytest.mark.parametrize("there", ["//evil.test", "https://evil.test", "http://localhost/", "/\\evil.test"])
def test_signing_in_leads_to_a_page_of_this_address_only(settings, there):
    settings.ALLOWED_HOSTS = [*settings.ALLOWED_HOSTS, "localhost"]
    user(person("dana"), PASSWORD)
    form = {"login": "dana@example.test", "password": PASSWORD, "next": there}
    assert Client().post(reverse("account_login"), form).url == "/"


def test_a_broken_mail_server_is_no_answer_either(settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1
    user(person("dana"), PASSWORD)
    assert Client().post(reverse("account_reset_password"), {"email": "dana@example.test"}).status_code == 302


@pytest.mark.parametrize("path", ["/", "/people/", "/inbox/", "/nothing-there/", "/audit/"])
def test_what_was_shown_to_somebody_stays_in_no_cache(path):
    browser = signed_in(person("dana"))
    assert browser.get(path)["Cache-Control"] == "private, no-store"
    assert "Cookie" in browser.get(path)["Vary"]


# --- Second factors at rest -------------------------------------------------------------------------------------------


def test_a_second_factor_is_sealed_in_the_database_and_opens_with_an_older_key(settings):
    dana, secret = user(person("dana")), generate_totp_secret()
    TOTP.activate(dana, secret)
    stored = Authenticator.objects.get(user=dana)
    assert secret not in str(stored.data)
    settings.MFA_KEYS = ["a new key", *settings.MFA_KEYS]
    assert sealing.opened(stored.data["secret"]) == secret
    assert sealing.opened(sealing.seal("again")) == "again"
    settings.MFA_KEYS = ["a new key"]
    with pytest.raises(sealing.CannotOpen, match="put the old key back"):
        sealing.opened(stored.data["secret"])


@pytest.mark.parametrize("broken", ["", "v1.x", "plain text", "v1.abc.def"])
def test_what_was_not_sealed_here_does_not_open(broken):
    with pytest.raises(sealing.CannotOpen):
        sealing.opened(broken)


def test_a_changed_seal_does_not_open():
    sealed = sealing.seal("JBSWY3DPEHPK3PXP")
    with pytest.raises(sealing.CannotOpen):
        sealing.opened(sealed[:-4] + ("AAAA" if sealed[-4:] != "AAAA" else "BBBB"))


def test_a_new_password_ends_every_other_session():
    dana = user(person("dana"), PASSWORD)
    other = signed_in(dana.person)
    dana.set_password("another long sentence altogether")
    dana.save()
    assert other.get(reverse("settings")).status_code == 302


# --- In the trail ----------------------------------------------------------------------------------------------------


def done_by(who):
    events = AuditEvent.objects.filter(actor=who, action__startswith="login.").order_by("pk")
    return list(events.values_list("action", flat=True))


def test_the_trail_says_who_signed_in_and_what_they_did_to_their_login():
    dana = user(person("dana"), PASSWORD)
    client = Client()
    client.post(reverse("account_login"), {"login": dana.email, "password": "wrong"})
    client.post(reverse("account_login"), {"login": dana.email, "password": PASSWORD})
    new = "another long sentence altogether"
    client.post(reverse("account_change_password"), {"oldpassword": PASSWORD, "password1": new, "password2": new})
    assert done_by(dana.person) == ["login.signed_in", "login.password_changed"]


def test_a_second_factor_set_up_and_taken_away_is_in_the_trail(django_capture_on_commit_callbacks):
    dana = user(person("dana"), PASSWORD)
    client = Client()
    client.post(reverse("account_login"), {"login": dana.email, "password": PASSWORD})
    page = reverse("mfa_activate_totp")
    assert client.get(page).url.startswith(reverse("account_reauthenticate"))
    client.post(reverse("account_reauthenticate"), {"password": PASSWORD})
    client.get(page)
    secret = client.session["mfa.totp.secret"]
    with django_capture_on_commit_callbacks(execute=True):
        client.post(page, {"code": format_hotp_value(hotp_value(secret, next(yield_hotp_counters_from_time())))})
    client.post(reverse("mfa_deactivate_totp"))
    assert "login.factor_added" in done_by(dana.person) and "login.factor_removed" in done_by(dana.person)
    assert secret not in str(list(AuditEvent.objects.values_list("data", flat=True)))
