"""The pages, as each of the cast sees them: real rows, real forms, no more than twelve queries."""

import re
import time

import pytest
from django.db import connection as database
from django.test.utils import CaptureQueriesContext

from channels_registry.connecting import connect, prove
from channels_registry.models import AccessGrant, Channel, Connection, NetworkIdentity, Revocation
from channels_registry.models.access_grant import Door
from channels_registry.observing import observe
from channels_registry.rehearsing import rehearse_due
from channels_registry.revoking import request_revocation
from tests import factories
from tests.channels_registry.pictures import PNG, picture

pytestmark = pytest.mark.django_db
MOST_QUERIES = 12


@pytest.fixture
def erin():
    factories.erin()
    return factories.signed_in(factories.erin())


@pytest.fixture
def here(place):
    """Connected, with people, an app password that no rule may give to one person, and a right of alice's."""
    factories.person("dana")
    made = place(
        people=[{"name": "Dana", "handle": "dana", "role": "admin"}], app_passwords=[{"label": "dana's phone"}]
    )
    made.connected()
    observe(made.channel)
    factories.grant(made.channel, factories.person("alice"), "author")
    return made


def seen(client, url, status=200):
    """The page's text; at most twelve queries, whoever asks."""
    client.get(url)  # a session's first request writes it down
    with CaptureQueriesContext(database) as asked:
        answer = client.get(url)
    assert answer.status_code == status, answer.content[:2000]
    assert len(asked) <= MOST_QUERIES, "\n".join(each["sql"][:160] for each in asked)
    return answer.content.decode()


def pages_of(here):
    door = AccessGrant.objects.get(channel=here.channel, door="app_password")
    held = factories.grant(here.channel, factories.person("dana"), "poster", door=Door.SHARED_LOGIN, label="Vault")
    task = request_revocation(held, factories.erin(), "leaves")
    connection = Connection.objects.get(channel=here.channel)
    return {
        "/channels/": "Acme",
        "/channels/new/": "Register",
        f"/channels/{here.channel.pk}/": "Who can reach it",
        f"/channels/{here.channel.pk}/doors/?at=2026-01-01T10:00": "Who could reach",
        f"/channels/{here.channel.pk}/connection/": "sealed before they are stored",
        f"/channels/{here.channel.pk}/connection/ending/": "Disconnect",
        f"/channels/{here.channel.pk}/change/": "Followers",
        f"/channels/{here.channel.pk}/webhook/": "Secret",
        f"/channels/{here.channel.pk}/grants/new/": "Give access",
        f"/connections/{connection.pk}/": "is connected",
        f"/grants/{door.pk}/revocation/": "Shut the door",
        f"/revocations/{task.pk}/": "Shut it on the network",
        "/identities/": "dana&#x27;s phone",
        f"/people/{factories.person('dana').pk}/access/": "What Dana can reach",
        "/networks/": "Same post twice",
    }


def test_every_page_stands_within_its_queries(here, erin):
    for url, words in pages_of(here).items():
        assert words in seen(erin, url), url


def test_charlie_sees_no_channel_page_and_may_post_nothing(here):
    charlie = factories.signed_in(factories.person("charlie"))
    for url in pages_of(here):
        if url in ("/channels/", "/networks/", "/identities/") or url.startswith("/people/"):
            page = charlie.get(url).content.decode()
            assert here.channel.name not in page and "s phone" not in page, url
        else:
            assert charlie.get(url).status_code in (403, 404), url
    task, door = Revocation.objects.get(), AccessGrant.objects.get(channel=here.channel, door="app_password")
    identity = NetworkIdentity.objects.get(handle="dana's phone")
    posts = [
        f"/channels/{here.channel.pk}/connection/", f"/channels/{here.channel.pk}/connection/ending/",
        f"/channels/{here.channel.pk}/grants/new/", "/channels/new/", f"/grants/{door.pk}/revocation/",
        f"/channels/{here.channel.pk}/change/",
        f"/identities/{identity.pk}/match/",
        *(f"/revocations/{task.pk}/{noun}/" for noun in (
            "taking", "attestation", "confirmation", "objection", "unprovable", "handwork", "attempt", "withdrawal")),
    ]  # fmt: skip
    for url in posts:
        assert charlie.post(url, {"reason": "x", "note": "x", "why": "x"}).status_code in (403, 404), url


def test_alice_who_writes_sees_the_channel_and_may_not_manage_it(here):
    alice = factories.signed_in(factories.person("alice"))
    page = seen(alice, f"/channels/{here.channel.pk}/")
    assert "Give access" not in page and "/revocation/" not in page
    for url in (f"/channels/{here.channel.pk}/connection/", f"/channels/{here.channel.pk}/grants/new/"):
        assert alice.get(url).status_code == 403


@pytest.mark.parametrize(
    "url",
    ["/channels/999999/", "/channels/999999/connection/", "/connections/999999/", "/grants/999999/revocation/",
     "/revocations/999999/", "/revocations/999999/evidence/", "/channels/999999/grants/new/", "/people/999999/access/"],
)  # fmt: skip
def test_what_is_not_there_is_not_there(erin, url):
    assert erin.get(url).status_code == 404


def test_the_top_of_a_channels_page_says_what_is_wrong_and_how_to_mend_it(here, erin):
    page = seen(erin, f"/channels/{here.channel.pk}/")
    assert "Only one administrator over there" in page and "1 door is nobody’s yet" in page
    Connection.objects.filter(channel=here.channel).update(state="disconnected", trouble="The token was taken back.")
    page = seen(erin, f"/channels/{here.channel.pk}/")
    assert "The connection is dead" in page and "The token was taken back." in page and "Connect again" in page


def test_connecting_from_the_form_to_the_network_and_back(place, erin):
    here = place()
    url = f"/channels/{here.channel.pk}/connection/"
    answer = erin.post(url, {"base_url": here.there.url, "token": here.account["token"]})
    waiting = answer["Location"]
    page = seen(erin, waiting)
    assert "Asking" in page and 'http-equiv="refresh"' in page and "every 1s" in page
    assert here.account["token"] not in page
    part = erin.get(waiting, HTTP_HX_REQUEST="true").content.decode()
    assert "<html" not in part and "Asking" in part
    prove(Connection.objects.get())
    assert "A worker is trying it" in erin.get(waiting, HTTP_HX_REQUEST="true").content.decode()
    rehearse_due()
    assert erin.get(waiting, HTTP_HX_REQUEST="true")["HX-Refresh"] == "true"
    page = seen(erin, waiting)
    assert "is connected" in page and "It was tried, and it works" in page


def test_how_the_connection_is_and_was_and_a_try_of_it(here, erin):
    url = f"/channels/{here.channel.pk}/connection/health/"
    rehearse_due()
    page = seen(erin, url)
    assert "Seeing and revoking who has access" in page and "It was tried, and it works" in page
    erin.post(f"/channels/{here.channel.pk}/connection/rehearsals/")
    assert "A worker is trying it" in seen(erin, url)
    answer = erin.post(f"/channels/{here.channel.pk}/connection/next/", {"person": factories.person("alice").pk})
    assert answer.status_code == 422 and "Select a valid choice" in answer.content.decode()
    erin.post(f"/channels/{here.channel.pk}/connection/next/", {"person": factories.erin().pk})
    assert Connection.objects.get(channel=here.channel, state="live").next_authoriser == factories.erin()
    here.there.kill_token(here.account["token"])
    rehearse_due()
    page = seen(erin, url)
    assert "It was tried, and it does not work" in page and "Disconnected" in page


def test_who_sees_the_channel_sees_its_connection_and_may_not_try_it(here):
    alice = factories.signed_in(factories.person("alice"))
    url = f"/channels/{here.channel.pk}/connection/"
    assert "Try the connection" not in seen(alice, f"{url}health/")
    assert alice.post(f"{url}rehearsals/").status_code == alice.post(f"{url}next/").status_code == 403


def test_connecting_again_says_its_steps_and_who_may(here, erin):
    page = seen(erin, f"/channels/{here.channel.pk}/connection/")
    assert "Connect Acme acme again" in page and "Make a token that may publish and manage" in page
    assert "Who may do this" in page and "failing-posts" in page


def test_a_secret_never_comes_back_to_the_browser_and_the_rest_is_kept(place, erin):
    here = place()
    answer = erin.post(f"/channels/{here.channel.pk}/connection/", {"base_url": "", "token": "canary-token-1"})
    page = answer.content.decode()
    assert (answer.status_code == 422 and "canary-token-1" not in page and "is missing" in page) or "required" in page
    erin.post(f"/channels/{here.channel.pk}/connection/", {"base_url": here.there.url, "token": "canary-token-2"})
    prove(Connection.objects.get())
    page = seen(erin, f"/channels/{here.channel.pk}/connection/")
    assert here.there.url in page and "Copy it again" in page and "canary" not in page


def test_giving_access_and_taking_it_through_the_pages(here, erin):
    hana = factories.person("hana")
    url = f"/channels/{here.channel.pk}/grants/new/"
    answer = erin.post(url, {"person": hana.pk, "door": "right", "entitlement": "approver", "reason": "legal"})
    assert answer.status_code == 302
    again = erin.post(url, {"person": hana.pk, "door": "right", "entitlement": "approver", "reason": "legal"})
    assert again.status_code == 422 and "exactly this access already" in again.content.decode()
    held = AccessGrant.objects.get(person=hana)
    answer = erin.post(f"/grants/{held.pk}/revocation/", {"reason": "moves on"})
    assert "Verified by reading" in seen(erin, answer["Location"])


def test_nobody_gives_access_to_themselves_through_the_page(here, erin):
    wish = {"person": factories.erin().pk, "door": "right", "entitlement": "publisher", "reason": "me"}
    assert erin.post(f"/channels/{here.channel.pk}/grants/new/", wish).status_code == 422
    assert not AccessGrant.objects.filter(person=factories.erin()).exists()


def test_a_door_elsewhere_needs_a_level_beside_its_field(here, erin):
    wish = {"person": factories.person("dana").pk, "door": "shared_login", "entitlement": "viewer", "reason": "agency"}
    page = erin.post(f"/channels/{here.channel.pk}/grants/new/", wish)
    assert page.status_code == 422 and 'href="#id_level"' in page.content.decode()


def test_a_guided_task_walked_through_its_pages_by_two_people(here, erin):
    held = factories.grant(here.channel, factories.person("dana"), "poster", door=Door.SHARED_LOGIN, label="Vault")
    task = request_revocation(held, factories.erin(), "leaves")
    url, gina = f"/revocations/{task.pk}/", factories.signed_in(factories.person("gina"))
    factories.grant(here.channel, factories.person("gina"), "manager")
    refused = gina.post(f"{url}attestation/", {"note": "Done", "file": picture("x.png", b"<svg/>")})
    assert refused.status_code == 422 and "neither a PNG" in refused.content.decode()
    assert gina.post(f"{url}attestation/", {"note": "Done", "file": picture("x.png")}).status_code == 302
    assert gina.post(f"{url}confirmation/").status_code in (403, 422)
    assert "I looked" in seen(erin, url) and "I looked" not in seen(gina, url)
    file = erin.get(f"{url}evidence/")
    assert b"".join(file) == PNG and file["Content-Disposition"].startswith("attachment")
    assert file["X-Content-Type-Options"] == "nosniff" and file["Content-Type"] == "image/png"
    assert erin.post(f"{url}confirmation/").status_code == 302
    assert "Verified by a second person" in seen(erin, url)


@pytest.mark.parametrize("typed", ["https://evil.test", "javascript:alert(1)//"])
def test_an_address_that_was_typed_and_never_proven_is_no_link_on_anybodys_page(here, erin, typed):
    """Else who manages a channel sends an administrator, who is to shut a door over there, to a page of their own."""
    held = factories.grant(here.channel, factories.person("dana"), "admin", door=Door.ROLE, label="Admin")
    task = request_revocation(held, factories.erin(), "leaves")
    connect(here.channel, {"base_url": typed}, {"token": "t"}, factories.erin())
    pages = (f"/revocations/{task.pk}/", f"/channels/{here.channel.pk}/")
    assert not [url for url in pages if f'href="{typed}' in seen(erin, url)]
    Connection.objects.filter(channel=here.channel, state="pending").update(state="refused", trouble="No.")
    assert not [url for url in pages if f'href="{typed}' in seen(erin, url)]


def test_saying_whose_it_is(here, erin):
    identity = NetworkIdentity.objects.get(handle="dana's phone")
    dana = factories.person("dana")
    assert erin.post(f"/identities/{identity.pk}/match/", {"person": dana.pk}).status_code == 302
    assert AccessGrant.objects.get(identity=identity).person == dana
    assert erin.post(f"/identities/{identity.pk}/match/", {"person": 10**9}).status_code == 422
    assert erin.post(f"/identities/{identity.pk}/match/", {"person": ""}).status_code == 422
    assert erin.post(f"/identities/{identity.pk}/match/", {"person": "", "nobody": "yes"}).status_code == 302
    assert AccessGrant.objects.get(identity=identity).person is None


def test_in_a_large_company_the_name_is_written_instead_of_chosen(here, erin, monkeypatch):
    from channels_registry.views import identities

    identity = NetworkIdentity.objects.get(handle="dana's phone")
    dana = factories.person("dana")
    assert 'name="who"' not in seen(erin, "/identities/")
    monkeypatch.setattr(identities, "FEW", 1)
    assert 'name="who"' in seen(erin, "/identities/")
    assert erin.post(f"/identities/{identity.pk}/match/", {"who": "no such person"}).status_code == 422
    dana.pk, dana.email = None, "other.dana@example.test"
    dana.save()
    answer = erin.post(f"/identities/{identity.pk}/match/", {"who": "Dana"})
    assert (answer.status_code, "Several people have this name" in answer.content.decode()) == (422, True)
    assert erin.post(f"/identities/{identity.pk}/match/", {"who": " DANA@example.test "}).status_code == 302
    assert AccessGrant.objects.get(identity=identity).person == factories.person("dana")


def test_looking_back_shows_who_could_reach_it_then(here, erin):
    held = AccessGrant.objects.get(person=factories.person("alice"))
    then = "2026-05-03T14:00"
    AccessGrant.objects.filter(pk=held.pk).update(starts_at="2026-05-01T00:00Z", revoked_at="2026-06-01T00:00Z")
    there = f"/channels/{here.channel.pk}/doors/?at={then}"
    assert erin.get(f"/channels/{here.channel.pk}/?at={then}").url == f"{there[:-5]}14%3A00"  # links of before
    assert "Alice" in seen(erin, there)
    assert "Alice" not in seen(erin, f"/channels/{here.channel.pk}/")
    assert here.channel.name in seen(erin, f"/people/{held.person_id}/access/?at={then}")
    assert here.channel.name not in seen(erin, f"/people/{held.person_id}/access/")


def test_a_moment_is_on_the_clock_of_the_zone_that_is_said(here, erin):
    held = AccessGrant.objects.get(person=factories.person("alice"))
    AccessGrant.objects.filter(pk=held.pk).update(starts_at="2026-05-03T12:30Z", revoked_at="2026-06-01T00:00Z")
    there = f"/channels/{here.channel.pk}/doors/?at=2026-05-03T14:00&zone="
    assert "Alice" not in seen(erin, f"{there}Europe/Paris")  # 12:00 UTC
    assert "Alice" in seen(erin, f"{there}Europe/London")  # 13:00 UTC


@pytest.mark.parametrize(
    ("asked", "told"),
    [("at=nonsense", "Write a day and a time"), ("at=2026-05-03T14:00&zone=Mars", "is not a time zone"),
     ("at=2999-05-03T14:00", "has not come yet"), ("at=99999-01-01", "Write a day and a time")],
)  # fmt: skip
def test_what_is_no_moment_is_said_and_kept(here, erin, asked, told):
    for page in (f"/channels/{here.channel.pk}/doors/", f"/people/{factories.person('alice').pk}/access/"):
        answer = erin.get(f"{page}?{asked}")
        assert answer.status_code == 422
        assert told in answer.content.decode()
        assert f'value="{asked.partition("=")[2].partition("&")[0]}"' in answer.content.decode()


@pytest.mark.parametrize("query", ["?after=x|y", "?after=|99999999999999999999", "?network=nope&health=x&risk=y"])
def test_a_broken_address_shows_a_list_and_no_traceback(erin, query):
    assert erin.get(f"/channels/{query}").status_code == 200


@pytest.mark.parametrize("page", ["", "doors/"])
def test_no_moment_is_now(here, erin, page):
    assert "Who can reach" in seen(erin, f"/channels/{here.channel.pk}/{page}?at=")


def test_three_hundred_channels_are_a_list_of_few_queries(erin, capsys):
    owner = factories.person("gina")
    made = Channel.objects.bulk_create(
        Channel(network="sandbox", handle=f"h{n}", name=f"Channel {n:03}", owner=owner) for n in range(300)
    )
    Connection.objects.bulk_create(
        Connection(channel=channel, authorised_by=owner, sealed_secrets=b"x", state="pending") for channel in made
    )
    began = time.perf_counter()
    page = seen(erin, "/channels/")
    took = (time.perf_counter() - began) * 1000
    assert "100 of 300" in page and page.count("Connecting") >= 100
    following = re.search(r'href="(\?[^"]*after=[^"]*)"', page)[1].replace("&amp;", "&")
    assert "Channel 100" in seen(erin, f"/channels/{following}")
    with capsys.disabled():
        print(f"\n300 channels: a page of 100 in {took:.0f} ms")
