"""Which addresses this installation may talk to when somebody else chose the address.

Checked twice. `checked_url` reads the text: scheme, user information, disguised numbers. `GuardedResolver` checks every
address a name resolves to, and the connection goes to exactly those addresses, so a name that answers differently the
second time (DNS rebinding) changes nothing. Nothing here follows redirects: a redirect is an address that somebody
else chose.
"""

import ipaddress
import re
import socket
from collections.abc import Collection

from aiohttp import ThreadedResolver
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

NAT64 = tuple(ipaddress.ip_network(n) for n in ("64:ff9b::/96", "64:ff9b:1::/48"))
CARRIES_V4 = tuple(ipaddress.ip_network(n) for n in ("::/96", "2002::/16", "2001::/32"))
NAME = re.compile(r"[a-z0-9_-]+(\.[a-z0-9_-]+)*", re.IGNORECASE)
NUMBER_ONLY = re.compile(r"(0x[0-9a-f]*|[0-9]+)(\.(0x[0-9a-f]*|[0-9]+))*", re.IGNORECASE)
INNER_NAMES = ("localhost", ".localhost", ".local", ".internal", ".home.arpa")


class Blocked(Exception):
    """This address may not be fetched. `reason` is for people."""

    def __init__(self, reason: str):
        super().__init__(reason)
        self.reason = reason


def checked_url(url: str | URL, *, allow: Collection[str] = ()) -> URL:
    """The URL, if its text names a public address. Hosts in `allow` may be inner ones, and only they may be plain
    http.
    """
    text = str(url)
    if not text.isprintable() or " " in text or "\\" in text:
        raise Blocked("The address contains characters that no web address has.")
    try:
        parsed = URL(url) if isinstance(url, str) else url
        host, port = parsed.host, parsed.port
    except ValueError as error:
        raise Blocked("This is not a web address. It looks like https://example.org.") from error
    if parsed.scheme not in ("http", "https") or not host:
        raise Blocked("The address must start with https:// and name a server.")
    if parsed.user is not None or parsed.password is not None:
        raise Blocked("The address may not carry a user name or a password.")
    if host in allow or f"{host}:{port}" in allow:
        return parsed
    if parsed.scheme != "https":
        raise Blocked("The address must start with https://.")
    _check_host(parsed.raw_host or "")
    return parsed


def is_public(address: str) -> bool:
    """Whether this IP address is reachable by anybody: not private, not ours, not a way round to one that is."""
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(ip, ipaddress.IPv6Address):
        if ip.ipv4_mapped is not None:
            return False
        if any(ip in net for net in NAT64 + CARRIES_V4) or ip.is_site_local:
            return False
    return ip.is_global and not (ip.is_multicast or ip.is_reserved or ip.is_loopback or ip.is_link_local)


class GuardedResolver(AbstractResolver):
    """Resolves names to public addresses only. aiohttp connects to what this returns and asks nobody again."""

    def __init__(self, *, allow: Collection[str] = (), inner: AbstractResolver | None = None):
        self._allow = allow
        self._inner = inner or ThreadedResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        found = await self._inner.resolve(host, port, family)
        if host in self._allow or f"{host}:{port}" in self._allow:
            return found
        if not all(is_public(each["host"]) for each in found):
            raise Blocked(f"{host} is inside a private network, so it is not fetched.")
        return found

    async def close(self) -> None:
        await self._inner.close()


def _check_host(host: str) -> None:
    bare = host.rstrip(".").lower()
    try:
        ipaddress.ip_address(bare)
    except ValueError:
        if NUMBER_ONLY.fullmatch(bare):
            raise Blocked("The address is a number in disguise.") from None
        if not NAME.fullmatch(bare):
            raise Blocked("This is not a web address. It looks like https://example.org.") from None
        if bare == INNER_NAMES[0] or bare.endswith(INNER_NAMES[1:]) or "." not in bare:
            raise Blocked(f"{host} is inside a private network, so it is not fetched.") from None
        return
    if not is_public(bare):
        raise Blocked(f"{host} is inside a private network, so it is not fetched.")
