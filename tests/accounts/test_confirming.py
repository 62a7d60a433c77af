"""What is sensitive is asked of somebody who has just shown who they are; a session that lay open gives none of it."""

import time

import pytest
from django.conf import settings
from django.test import Client
from django.urls import reverse

from accounts.models import Departure, RoleAssignment
from channels_registry.models import AccessGrant, Connection
from channels_registry.networks import network, slugs
from governance import evidence, packing
from governance.models import EvidenceBundle
from tests.factories import PASSWORD, channel, erin, person, user

pytestmark = pytest.mark.django_db
QUARTER = 15 * 60
SECRET = "a-token-that-nobody-stores"


def browser_of(who, minutes: float = 0) -> Client:
    """Signed in through the page, so many minutes ago."""
    user(who, PASSWORD)
    browser = Client()
    browser.post(reverse("account_login"), {"login": who.email, "password": PASSWORD})
    session = browser.session
    for record in session["account_authentication_methods"]:
        record["at"] = time.time() - minutes * 60
    session.save()
    return browser


def confirm(browser: Client, asked, password: str = PASSWORD):
    assert asked.status_code == 302 and asked.url.startswith(reverse("account_reauthenticate"))
    return browser.post(asked.url, {"password": password})


def day(**more) -> dict[str, str]:
    return {"date": time.strftime("%Y-%m-%d"), "time": "23:59", "time_zone": "UTC", "reason": "new job"} | more


def test_signing_in_counts_for_a_quarter_of_an_hour():
    page = reverse("departure_new", args=[person("dana").pk])
    assert settings.ACCOUNT_REAUTHENTICATION_TIMEOUT == QUARTER
    assert browser_of(erin()).get(page).status_code == 200
    assert browser_of(erin(), minutes=14).get(page).status_code == 200
    assert browser_of(erin(), minutes=16).get(page).url == f"{reverse('account_reauthenticate')}?next=" + (
        page.replace("/", "%2F")
    )


def test_who_confirms_goes_on_to_the_page_and_is_not_asked_again():
    browser, page = browser_of(erin(), minutes=60), reverse("departure_new", args=[person("dana").pk])
    assert confirm(browser, browser.get(page)).url == page
    assert browser.get(page).status_code == 200


def test_a_wrong_password_opens_nothing():
    browser, page = browser_of(erin(), minutes=60), reverse("departure_new", args=[person("dana").pk])
    assert confirm(browser, browser.get(page), "a guess").status_code == 200
    assert browser.get(page).status_code == 302


def test_what_was_typed_into_a_form_that_grew_old_is_done_after_the_confirmation():
    dana, browser = person("dana"), browser_of(erin(), minutes=60)
    asked = browser.post(reverse("departure_new", args=[dana.pk]), day())
    assert not Departure.objects.exists()
    assert confirm(browser, asked).url == reverse("person", args=[dana.pk])
    assert Departure.objects.get(person=dana).reason == "new job"


def test_what_cannot_be_done_comes_back_filled_in_and_is_sent_to_its_own_address():
    dana, browser = person("dana"), browser_of(erin(), minutes=60)
    path = reverse("departure_new", args=[dana.pk])
    answer = confirm(browser, browser.post(path, day(date="x", reason="typed")))
    page = answer.content.decode()
    assert answer.status_code == 422 and 'value="typed"' in page and f'action="{path}"' in page


def test_keys_that_were_typed_are_never_kept_while_it_is_asked():
    here, browser = channel("sandbox"), browser_of(erin(), minutes=60)
    path = reverse("connection_new", args=[here.pk])
    asked = browser.post(path, {"base_url": "http://127.0.0.1:1", "token": SECRET})
    assert SECRET not in str(dict(browser.session)) and not Connection.objects.exists()
    answer = confirm(browser, asked)
    page = answer.content.decode()
    assert answer.status_code == 422 and "http://127.0.0.1:1" in page and "token" in page and SECRET not in page
    assert f'action="{path}"' in page and not Connection.objects.exists()


@pytest.mark.parametrize("slug", slugs())
def test_every_secret_of_a_network_is_known_by_its_name(slug):
    from accounts.middleware import _worth_showing

    assert [field.name for field in network(slug).fields if field.secret and _worth_showing(field.name)] == []


def test_roles_are_given_and_taken_only_after_a_confirmation():
    dana, browser = person("dana", "auditor"), browser_of(erin(), minutes=60)
    page = reverse("person", args=[dana.pk])
    asked = browser.post(
        reverse("role_ending", args=[dana.pk, "auditor"]), headers={"Referer": f"http://testserver{page}"}
    )
    assert confirm(browser, asked).url == page  # with nothing typed the button is pressed once more
    assert RoleAssignment.objects.filter(person=dana, ended_at=None).count() == 1
    browser.post(reverse("role_ending", args=[dana.pk, "auditor"]))
    assert not RoleAssignment.objects.filter(person=dana, ended_at=None).exists()
    stale = browser_of(erin(), minutes=60)
    confirm(stale, stale.post(reverse("person_roles", args=[dana.pk]), {"role": "social_lead"}))
    assert RoleAssignment.objects.get(person=dana, ended_at=None).role == "social_lead"


def test_evidence_is_looked_at_freely_and_carried_away_only_after_a_confirmation(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    browser = browser_of(person("frank", "auditor"), minutes=60)
    assert browser.get(reverse("evidence_list")).status_code == 200
    asked = browser.post(reverse("evidence_list"), {"at": ""})
    assert not EvidenceBundle.objects.exists()
    assert confirm(browser, asked).status_code == 302
    assert EvidenceBundle.objects.count() == 1


def test_a_script_is_sent_to_the_page_that_asks():
    browser = browser_of(erin(), minutes=60)
    path = reverse("departure_new", args=[person("dana").pk])
    answer = browser.post(path, day(), headers={"HX-Request": "true"})
    assert answer.status_code == 204 and answer["HX-Redirect"].startswith(reverse("account_reauthenticate"))


@pytest.mark.parametrize("name", sorted(settings.CONFIRMED_URLS | settings.CONFIRMED_POST_URLS))
def test_every_sensitive_address_asks(name):
    args = {
        "person_new": [],
        "evidence_list": [],
        "token_list": [],
        "feed_list": [],
        "directory": [],
        "endpoint_new": [],
        "role_ending": [1, "admin"],
    }.get(name, [1])
    asked = browser_of(erin(), minutes=60).post(reverse(name, args=args), {"typed": "words"})
    assert asked.status_code == 302 and asked.url.startswith(reverse("account_reauthenticate"))


def test_charlie_confirms_in_vain():
    browser = browser_of(person("charlie"), minutes=60)
    asked = browser.get(reverse("departure_new", args=[person("dana").pk]))
    assert browser.get(confirm(browser, asked).url).status_code == 403


def test_a_form_that_was_left_behind_is_not_sent_by_somebody_who_only_looks():
    """It was typed and never confirmed. Whoever asks for the page later, and confirms that, confirms nothing else."""
    browser, page = browser_of(erin(), minutes=60), reverse("departure_new", args=[person("dana").pk])
    browser.post(page, day())
    assert confirm(browser, browser.get(page)).url == page
    assert not Departure.objects.exists()


def test_access_is_given_only_after_a_confirmation():
    here, browser = channel("sandbox"), browser_of(erin(), minutes=60)
    wish = {"person": person("charlie").pk, "door": "right", "entitlement": "manager", "reason": "He asked."}
    asked = browser.post(reverse("grant_new", args=[here.pk]), wish)
    standing = AccessGrant.objects.standing().filter(channel=here, person=person("charlie"))
    assert not standing.exists()
    assert confirm(browser, asked).url == reverse("channel", args=[here.pk])
    assert standing.get().entitlement == "manager"


def test_a_file_of_evidence_is_carried_away_only_after_a_confirmation(settings, tmp_path):
    settings.MEDIA_ROOT, settings.AUDIT_HEADS = tmp_path / "media", tmp_path / "audit"
    frank = person("frank", "auditor")
    bundle = evidence.export_access(frank)
    packing.work_due()
    browser, path = browser_of(frank, minutes=60), reverse("evidence_file", args=[bundle.pk])
    assert confirm(browser, browser.get(path)).url == path
    assert b"".join(browser.get(path).streaming_content).startswith(b"PK")
