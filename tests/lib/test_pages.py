"""Pages under somebody else's control: what is taken from them, and what they cannot do."""

import socket
import time
from io import BytesIO

import pytest
from PIL import Image

from socialops.lib import fetch, pages
from socialops.lib.pages import Unreadable, head_of, read_page
from tests import files
from tests.websites import Website, website

PAGE = (
    '<html><head><meta charset="utf-8"><title>Not this</title><meta property="og:title" content="Winter &amp; rates">'
    '<meta name="description" content="What it\n costs"><meta property="og:image" content="/p.jpg"></head><body>'
)


@pytest.fixture(scope="module")
def server():
    with website() as made:
        yield made


@pytest.fixture
def site(server: Website) -> Website:
    server.answers, server.asked = {}, []
    return server


async def read(site: Website, path: str = "/"):
    return await read_page(f"{site.url}{path}", 100_000, allow={site.place})


async def test_a_page_gives_its_title_description_and_picture(site):
    site.answers = {"/": PAGE, "/p.jpg": (200, {"Content-Type": "image/jpeg"}, files.from_a_phone())}
    told = await read(site)
    assert (told.title, told.description) == ("Winter & rates", "What it costs")
    picture = Image.open(BytesIO(told.picture.content))
    assert (picture.size, dict(picture.getexif())) == ((240, 320), {})  # upright, and nothing of the camera's
    assert not any({"Cookie", "Referer", "Authorization"} & headers.keys() for _, headers in site.asked)


@pytest.mark.parametrize(
    "picture", ["/none.jpg", "/page", "/bomb", "data:image/png;base64,AAAA", "https://10.0.0.1/x", "http://["]
)
async def test_a_picture_that_cannot_be_had_is_left_out(site, picture):
    site.answers = {
        "/": PAGE.replace("/p.jpg", picture), "/page": "<title>No picture</title>",
        "/bomb": (200, {"Content-Type": "image/gif"}, files.gif_bomb()),
    }  # fmt: skip
    told = await read(site)
    assert (told.title, told.picture) == ("Winter & rates", None)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize(
    "target", ["https://169.254.169.254/latest/", "http://127.0.0.1:1/", "file:///etc/passwd", "//[::1]/"]
)
async def test_a_redirect_inside_is_not_followed(site, status, target):
    site.answers = {"/": (status, {"Location": target}, b"")}
    with pytest.raises(Unreadable):
        await read(site)
    assert len(site.asked) == 1


async def test_redirects_are_followed_to_a_page_and_not_for_ever(site):
    site.answers = {
        "/a": (302, {"Location": "/b", "Set-Cookie": "a=1"}, b""),
        "/b": PAGE,
        "/x": (302, {"Location": "/x"}, b""),
    }
    assert (await read(site, "/a")).title == "Winter & rates"
    with pytest.raises(Unreadable, match="without end"):
        await read(site, "/x")
    assert not any("Cookie" in headers for _, headers in site.asked)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ((200, {"Content-Type": "application/pdf"}, b"%PDF"), "not a web page"),
        ((200, {}, b"<title>x</title>"), "not a web page"),
        ((200, {"Content-Type": "text/html", "Content-Encoding": "gzip"}, b"\x1f\x8b"), "packed"),
        ((500, {"Content-Type": "text/html"}, b"<title>Oops</title>"), "HTTP 500"),
        ((200, {"Content-Type": "text/html"}, b"<p>no title"), "does not say"),
    ],
)
async def test_what_is_no_page_is_said(site, answer, words):
    site.answers = {"/": answer}
    with pytest.raises(Unreadable, match=words):
        await read(site)


@pytest.mark.parametrize(
    "address", ["https://10.0.0.1/", "https://localhost/", "http://example.org/", "https://[::ffff:127.0.0.1]/"]
)
async def test_an_inner_or_plain_address_is_not_asked(address):
    with pytest.raises(Unreadable):
        await read_page(address, 100_000)


async def test_a_public_name_with_an_inner_address_is_not_asked(site, monkeypatch):
    """The name is looked up once, and the connection goes to what was checked: see tests/networks/test_fetch.py."""

    async def inner(self, host, port=0, family=socket.AF_INET):
        return [{"hostname": host, "host": "127.0.0.1", "port": port, "family": family, "proto": 0, "flags": 0}]

    monkeypatch.setattr(fetch.ThreadedResolver, "resolve", inner)
    with pytest.raises(Unreadable, match="private network"):
        await read_page(f"https://rebind.example:{site.url.rsplit(':', 1)[1]}/", 100_000)
    assert site.asked == []


async def test_a_page_that_never_ends_costs_a_moment(site, monkeypatch):
    monkeypatch.setattr(pages, "SECONDS", 0.5)
    site.answers = {
        "/": (200, {"Content-Type": "text/html", "Content-Length": "999999999"}, PAGE.encode() + b"x" * 300_000)
    }
    began = time.monotonic()
    assert (await read(site)).title == "Winter & rates"
    assert time.monotonic() - began < 2


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("text/html; charset=windows-1252", "Größe".encode("cp1252")),
        ("text/html", b'<meta charset="iso-8859-1">' + "Größe".encode("latin-1")),
        ("text/html; charset=punycode", "Größe".encode()),
    ],
)
async def test_a_title_is_read_as_it_is_written(site, kind, body):
    site.answers = {"/": (200, {"Content-Type": kind}, b"<title>" + body + b"</title>")}
    assert (await read(site)).title.endswith("Größe")


@pytest.mark.parametrize("piece", ["<!--", "<a ", '<a x="', "&", "</a", "<![", "<meta a==", "<title>", "&#x", "<a/"])
def test_nothing_in_a_page_takes_long(piece):
    began = time.monotonic()
    head_of((piece * pages.HEAD_BYTES)[: pages.HEAD_BYTES])
    assert time.monotonic() - began < 2


def test_what_cannot_be_seen_is_not_kept():
    said = head_of('<title>A\u202egpj.exe\x00 \u200d👩‍🚀<b>b</b></title><body><meta property="og:title" content="x">')
    assert said["title"] == "Agpj.exe \u200d👩‍🚀b"
    assert len(head_of(f"<title>{'x' * 5000}</title>")["title"]) == 300
