"""A network is its file, its test, one line in the registry and an icon."""

import re
from importlib import import_module
from pathlib import Path
from xml.etree import ElementTree

import pytest

from channels_registry.connector.capabilities import CAPABILITIES, Network
from channels_registry.networks import network, slugs
from tests.networks.peers import peer_of

ROOT = Path(__file__).resolve().parents[2]
SVG = "{http://www.w3.org/2000/svg}svg"


@pytest.mark.parametrize("slug", slugs())
def test_a_network_has_its_file_its_test_and_its_icon(slug):
    assert type(network(slug)).__module__ == f"channels_registry.networks.{slug}"
    assert peer_of(slug).slug == slug
    icon = ElementTree.parse(ROOT / "static" / "networks" / f"{slug}.svg").getroot()
    assert (icon.tag, icon.get("viewBox")) == (SVG, "0 0 24 24")
    assert not [each for each in icon.iter() if each.tag.endswith(("script", "foreignObject", "image"))]


def test_every_file_of_a_network_is_in_the_registry():
    files = {path.stem for path in (ROOT / "channels_registry" / "networks").glob("*.py")} - {"__init__"}
    assert files == set(slugs())


def test_a_claim_without_its_methods_cannot_be_made():
    for capability in CAPABILITIES:
        claims = type("Claims", (Network, capability), {})
        with pytest.raises(TypeError, match="abstract"):
            claims()


def test_an_unknown_network_is_a_key_error():
    with pytest.raises(KeyError):
        network("nowhere")


def test_networks_do_not_import_one_another():
    for slug in slugs():
        source = Path(import_module(f"channels_registry.networks.{slug}").__file__).read_text(encoding="utf-8")
        assert not re.search(r"channels_registry\.networks|django|celery", source)
