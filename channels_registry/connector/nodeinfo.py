"""What a server of the open social web says that it runs (nodeinfo.diaspora.software)."""

from urllib.parse import urlsplit

from channels_registry.connector.errors import NetworkError
from channels_registry.connector.http import Http


async def software_of(http: Http, url: str) -> str:
    """The server's name for itself, empty if it does not say. Only ever asked on its own address."""
    try:
        links = await http.request("GET", f"{url}/.well-known/nodeinfo")
        path = links.read(lambda value: urlsplit(value["links"][-1]["href"]).path)
        node = await http.request("GET", f"{url}{path}")
        return node.read(lambda value: str(value["software"]["name"]).lower())
    except NetworkError:
        return ""
