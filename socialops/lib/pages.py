"""What a web page says of itself, for a link card. Its address was somebody else's choice, and so is every byte of it.

Every redirect is an address that is checked anew (socialops/lib/fetch.py), and the connection goes to what was checked.
Only the head of an HTML page is read, as text; nothing of it is run, kept as markup, or answered with a cookie.
"""

import asyncio
import re
import unicodedata
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass
from html.parser import HTMLParser
from io import BytesIO

import aiohttp
from yarl import URL

from socialops.lib import pictures
from socialops.lib.fetch import Blocked, GuardedResolver, checked_url
from socialops.lib.pictures import Picture, Unfit

SECONDS, CONNECT_SECONDS = 6.0, 3.0  # of one page or picture, all its redirects together
REDIRECTS = 4
HEAD_BYTES, PICTURE_BYTES = 128 * 1024, 5_000_000
LONGEST = {"title": 300, "description": 1000}  # characters
HEADERS = {"User-Agent": "Socialops/0.1 (link preview)", "Accept-Encoding": "identity", "Accept-Language": "en,*;q=0.5"}
PAGES = ("text/html", "application/xhtml+xml")
CHARSET = re.compile(rb"""<meta[^<>]{0,200}?charset\s*=\s*["']?([a-z0-9_-]{2,20})""", re.IGNORECASE)
CHARSETS = re.compile(  # any other name may be a decoder that takes minutes, and is read as UTF-8
    r"utf-?8|us-ascii|iso-8859-\d{1,2}|windows-125\d|koi8-[ru]|shift[_-]jis|euc-(jp|kr)|gbk|gb2312|gb18030|big5",
    re.IGNORECASE,
)
NAMES = {
    "title": ("og:title", "twitter:title", "title"),
    "description": ("og:description", "twitter:description", "description"),
    "picture": ("og:image:secure_url", "og:image", "og:image:url", "twitter:image"),
}


class Unreadable(Exception):
    """There is no card for this page. `reason` is for people."""

    def __init__(self, reason: str):
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True)
class Told:
    """Plain text. `picture`: a still one, in at most as many bytes as were asked for; None where there is none."""

    title: str
    description: str
    picture: Picture | None = None


async def read_page(url: str, picture_bytes: int, *, allow: Collection[str] = ()) -> Told:
    """Raises Unreadable. A picture that cannot be had is left out. Hosts in `allow` may be inner ones."""
    connector = aiohttp.TCPConnector(resolver=GuardedResolver(allow=allow), force_close=True)
    async with aiohttp.ClientSession(
        connector=connector, cookie_jar=aiohttp.DummyCookieJar(), headers=HEADERS, auto_decompress=False,
        timeout=aiohttp.ClientTimeout(total=SECONDS, sock_connect=CONNECT_SECONDS),
    ) as session:  # fmt: skip
        where, kind, body = await _fetched(session, url, PAGES, HEAD_BYTES, allow)
        said = head_of(_decoded(kind, body))
        if not said["title"]:
            raise Unreadable(f"{where.host} does not say what this page is called.")
        picture = await _picture(session, where, said["picture"], picture_bytes, allow)
    return Told(said["title"], said["description"], picture)


def head_of(html: str) -> dict[str, str]:
    """{"title", "description", "picture"} as plain text; "" for what is not said."""
    reader = _Head()
    with suppress(AssertionError):  # how the standard library's parser gives up
        reader.feed(html)  # never closed: what is cut off is left, and not tried again from each of its letters
    found = reader.found | {"title": reader.found.get("title", "".join(reader.title))}
    said = {
        name: next((found[each] for each in names if found.get(each, "").strip()), "") for name, names in NAMES.items()
    }
    cut = {name: _plain(said[name], most) for name, most in LONGEST.items()}
    return {**cut, "picture": said["picture"].strip()[:2000]}


async def _picture(
    session: aiohttp.ClientSession, page: URL, address: str, limit: int, allow: Collection[str]
) -> Picture | None:
    if not address or address.startswith("data:"):
        return None
    try:
        _, _, body = await _fetched(session, str(page.join(URL(address))), ("image/",), PICTURE_BYTES + 1, allow)
        return await asyncio.to_thread(_still, body, limit)
    except (Unreadable, Unfit, ValueError):
        return None


def _still(body: bytes, limit: int) -> Picture:
    if len(body) > PICTURE_BYTES:
        raise Unfit("It is too large for a card.")
    clean = pictures.clean(BytesIO(body))
    return pictures.thumbnail(clean.content) if clean.seconds else pictures.cut(clean.content, (0, 0, 1, 1), limit)


async def _fetched(
    session: aiohttp.ClientSession, url: str, kinds: tuple[str, ...], most: int, allow: Collection[str]
) -> tuple[URL, str, bytes]:
    """(where it was found in the end, its Content-Type, at most so many bytes of it). Raises Unreadable."""
    try:
        async with asyncio.timeout(SECONDS):
            target = checked_url(url, allow=allow)
            for _ in range(REDIRECTS + 1):
                async with session.get(target, allow_redirects=False) as answer:
                    if answer.status not in (301, 302, 303, 307, 308):
                        return target, *await _read(answer, kinds, most)
                    target = checked_url(target.join(URL(answer.headers.get("Location", ""))), allow=allow)
    except Blocked as error:
        raise Unreadable(error.reason) from error
    except TimeoutError as error:
        raise Unreadable(f"{_host(url)} did not answer in time.") from error
    except (aiohttp.ClientError, OSError, ValueError) as error:
        raise Unreadable(f"{_host(url)} cannot be reached, or breaks off.") from error
    raise Unreadable(f"{_host(url)} sends from one address to the next without end.")


async def _read(answer: aiohttp.ClientResponse, kinds: tuple[str, ...], most: int) -> tuple[str, bytes]:
    host, kind = answer.url.host, answer.headers.get("Content-Type", "").lower()
    if answer.status >= 400:
        raise Unreadable(f"{host} does not show this page (HTTP {answer.status}).")
    if not kind.startswith(kinds):
        raise Unreadable("This is not a web page, so it has no card.")
    if answer.headers.get("Content-Encoding", "identity") != "identity":
        raise Unreadable(f"{host} sends the page packed, although it was asked not to.")
    body = bytearray()
    async for chunk in answer.content.iter_chunked(16 * 1024):
        body += chunk
        if len(body) >= most or (kind.startswith(PAGES) and b"</head" in body.lower()):
            break
    return kind, bytes(body[:most])


def _decoded(kind: str, body: bytes) -> str:
    said = re.search(r"charset\s*=\s*[\"']?([a-z0-9_-]{2,20})", kind)
    meta = CHARSET.search(body[:2048])
    name = said[1] if said else meta[1].decode() if meta else "utf-8"
    return body.decode(name if CHARSETS.fullmatch(name) else "utf-8", "replace")


def _plain(text: str, most: int) -> str:
    """One line without what cannot be seen: controls, and what turns the direction of writing."""
    kept = "".join(c for c in text if unicodedata.category(c) not in ("Cc", "Cs", "Co") or c.isspace())
    line = " ".join(re.sub("[\u202a-\u202e\u2066-\u2069\ufeff]", "", kept).split())
    return line if len(line) <= most else line[: most - 1] + "…"


def _host(url: str) -> str:
    return URL(url).host or url[:80]


class _Head(HTMLParser):
    """`found`: the first word on each thing; `title`: the pieces of the title element. It stops at the body."""

    def __init__(self) -> None:
        super().__init__()
        self.found: dict[str, str] = {}
        self.title: list[str] = []
        self._within = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if self._within == "body":
            return
        said = {name: value or "" for name, value in attrs}
        if tag == "meta" and (name := (said.get("property") or said.get("name", "")).lower()):
            self.found.setdefault(name, said.get("content", ""))
        if tag == "body" or (tag == "title" and not self.title):
            self._within = tag

    def handle_endtag(self, tag: str) -> None:
        self._within = "" if tag == self._within == "title" else self._within

    def handle_data(self, data: str) -> None:
        if self._within == "title":
            self.title.append(data)
