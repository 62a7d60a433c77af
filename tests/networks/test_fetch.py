"""Nobody makes us fetch an address inside our own network, whatever its spelling."""

import socket

import pytest
from aiohttp.abc import AbstractResolver

from channels_registry.connector.errors import Refused
from channels_registry.connector.http import Http
from socialops.lib.fetch import Blocked, checked_url, is_public

INNER = [
    "https://127.0.0.1",
    "https://0.0.0.0",
    "https://0",
    "https://[::]",
    "https://[::1]",
    "https://[::ffff:127.0.0.1]",
    "https://[::127.0.0.1]",
    "https://[64:ff9b::7f00:1]",
    "https://[64:ff9b::a9fe:a9fe]",
    "https://[2002:7f00:1::]",
    "https://[fe80::1%25eth0]",
    "https://[fd00::1]",
    "https://[fec0::1]",
    "https://2130706433",
    "https://0x7f000001",
    "https://0177.0.0.1",
    "https://127.1",
    "https://127.0.0.1.",
    "https://１２７.０.０.１",
    "https://127。0。0。1",
    "https://%31%32%37.0.0.1",
    "https://10.0.0.1",
    "https://172.16.0.1",
    "https://192.168.1.1",
    "https://100.64.0.1",
    "https://169.254.169.254/latest/meta-data/?x=.mp4",
    "https://224.0.0.1",
    "https://255.255.255.255",
    "https://localhost",
    "https://localhost.",
    "https://ⓛocalhost",
    "https://api.localhost",
    "https://metadata.google.internal",
    "https://intranet",
]
ODD = [
    "http://example.org",
    "ftp://example.org",
    "file:///etc/passwd",
    "gopher://example.org",
    "javascript:alert(1)",
    "//example.org",
    "https://",
    "https:///path",
    "https://user@example.org",
    "https://user:secret@example.org",
    "https://example.org@127.0.0.1/",
    "https://example.org\\@127.0.0.1/",
    "https://example.org\r\nHost: inner",
    "https://exa mple.org",
    "https://example.org:99999",
    "",
]


@pytest.mark.parametrize("url", INNER + ODD)
def test_an_inner_or_odd_address_is_refused_by_its_text(url):
    with pytest.raises(Blocked) as caught:
        checked_url(url)
    assert caught.value.reason.endswith(".")


@pytest.mark.parametrize("url", ["https://example.org/a?b=1", "https://bücher.example", "https://93.184.216.34:8443/x"])
def test_a_public_address_passes(url):
    assert checked_url(url).scheme == "https"


def test_an_allowed_host_may_be_inner_and_plain_and_its_neighbour_may_not():
    assert checked_url("http://127.0.0.1:3000/x", allow={"127.0.0.1"}).port == 3000
    assert checked_url("http://127.0.0.1:3000/x", allow={"127.0.0.1:3000"}).port == 3000
    with pytest.raises(Blocked):
        checked_url("http://127.0.0.1:3001/x", allow={"127.0.0.1:3000"})
    with pytest.raises(Blocked):
        checked_url("http://127.0.0.2/", allow={"127.0.0.1"})
    with pytest.raises(Blocked):
        checked_url("http://evil@127.0.0.1/", allow={"127.0.0.1"})


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:2800:220:1:248:1893:25c8:1946"])
def test_public_addresses_are_public(address):
    assert is_public(address)


class Answers(AbstractResolver):
    """A name server under somebody else's control: each question gets the next answer."""

    def __init__(self, *addresses: str):
        self.addresses = list(addresses)
        self.asked = 0

    async def resolve(self, host, port=0, family=socket.AF_INET):
        address = self.addresses[min(self.asked, len(self.addresses) - 1)]
        self.asked += 1
        return [{"hostname": host, "host": address, "port": port, "family": family, "proto": 0, "flags": 0}]

    async def close(self):
        pass


@pytest.mark.parametrize("address", ["127.0.0.1", "10.0.0.1", "169.254.169.254", "::1", "::ffff:127.0.0.1", "fd00::1"])
async def test_a_public_name_with_an_inner_address_is_not_contacted(http_server, address):
    port = http_server.url.rsplit(":", 1)[1]
    async with Http(resolver=Answers(address)) as http:
        with pytest.raises(Refused) as caught:
            await http.request("GET", f"https://rebind.example:{port}/")
    assert "private network" in caught.value.reason
    assert http_server.requests == []


async def test_a_name_that_changes_its_mind_after_the_check_is_not_followed(http_server):
    """DNS rebinding: the connection goes to the address that was checked, the second answer is never used."""
    port = http_server.url.rsplit(":", 1)[1]
    resolver = Answers("192.0.2.1", "127.0.0.1")
    async with Http(resolver=resolver) as http:
        with pytest.raises(Refused):
            await http.request("GET", f"https://rebind.example:{port}/")
    assert resolver.asked == 1
    assert http_server.requests == []


async def test_one_inner_address_among_public_ones_is_one_too_many(http_server):
    class Both(Answers):
        async def resolve(self, host, port=0, family=socket.AF_INET):
            return [(await Answers(each).resolve(host, port, family))[0] for each in ("93.184.216.34", "127.0.0.1")]

    async with Http(resolver=Both()) as http:
        with pytest.raises(Refused):
            await http.request("GET", "https://rebind.example/")


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_to_an_inner_address_is_not_followed(http_server, http, status):
    async def redirect(request):
        from aiohttp import web

        return web.Response(status=status, headers={"Location": "/secret"})

    http_server.answers = {"/start": redirect, "/secret": {"password": "x"}}
    with pytest.raises(Refused) as caught:
        await http.request("GET", f"{http_server.url}/start")
    assert "not followed" in caught.value.reason
    assert [request.path for request in http_server.requests] == ["/start"]


@pytest.mark.parametrize("value", ["token\r\nX-Admin: yes", "token\nHost: inner", "token\x00"])
async def test_nothing_is_smuggled_into_a_header(http_server, http, value):
    with pytest.raises(Refused):
        await http.request("GET", http_server.url, headers={"Authorization": value})
    assert http_server.requests == []


async def test_a_proxy_from_the_environment_is_not_used(http_server, http, monkeypatch):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    http_server.answers = {"/": {}}
    assert (await http.request("GET", http_server.url)).status == 200
