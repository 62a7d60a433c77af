"""The pages of access requests and of emergency access, from asking to the end."""

import pytest

from channels_registry.permissions import may
from governance import requesting
from governance.models import AccessRequest, BreakGlass
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def channel():
    return factories.channel(owner=factories.person("gina"), name="Acme France")


def test_asked_on_a_page_decided_on_a_page_and_given_by_the_engine(channel):
    alice, gina = factories.signed_in(factories.person("alice")), factories.signed_in(factories.person("gina"))
    assert "Acme France" in alice.get("/access-requests/new/?q=france").content.decode()
    assert alice.get(f"/access-requests/new/?channel={channel.pk}").status_code == 200
    wrong = alice.post("/access-requests/new/", {"channel": channel.pk, "what": "author", "reason": " "})
    assert wrong.status_code == 422
    alice.post("/access-requests/new/", {"channel": channel.pk, "what": "author", "days": 3, "reason": "Writes"})
    asked = AccessRequest.objects.get()
    page = f"/access-requests/{asked.pk}/"
    assert "Approve" not in alice.get(page).content.decode() and "Approve" in gina.get(page).content.decode()
    assert gina.post(f"{page}decision/", {"verdict": "refused", "note": ""}).status_code == 422
    assert gina.post(f"{page}decision/", {"verdict": "approved"}).status_code == 302
    requesting.sweep()
    assert may(factories.person("alice"), "draft", channel)
    assert "Given" in alice.get("/access-requests/?state=mine").content.decode()


def test_charlie_sees_nothing_of_it_and_does_nothing(channel):
    asked = requesting.ask(factories.person("alice"), channel, "author", "Writes")
    charlie = factories.signed_in(factories.person("charlie"))
    for address in ("", "decision/", "withdrawal/", "grant/"):
        assert charlie.post(f"/access-requests/{asked.pk}/{address}", {"verdict": "approved"}).status_code in (404, 405)


def test_emergency_access_from_asking_to_the_review(channel):
    alice, erin = factories.signed_in(factories.person("alice")), factories.signed_in(factories.erin())
    ines = factories.signed_in(factories.person("ines", "admin"))
    assert alice.get(f"/break-glass/new/?channel={channel.pk}").status_code == 200
    said = {"entitlement": "publisher", "minutes": 30, "incident": "INC-7", "reason": "A false post"}
    alice.post("/break-glass/new/", {"channel": channel.pk, **said})
    page = f"/break-glass/{BreakGlass.objects.get().pk}/"
    assert alice.post(f"{page}decision/", {"decision": "confirm"}).status_code == 403
    assert erin.post(f"{page}decision/", {"decision": "confirm"}).status_code == 302
    for each in (alice, erin):
        assert "is open for Alice" in each.get("/break-glass/").content.decode()
        assert each.get(page).status_code == 200
    assert alice.post(f"{page}report/", {"report": "Took it down."}).status_code == 302
    assert ines.post(f"{page}review/", {"note": "As it had to be."}).status_code == 302
    assert "Reviewed" in erin.get(page).content.decode()
    assert factories.signed_in(factories.person("charlie")).get(page).status_code == 404
