"""The README says what is so: what it names exists, and its table of networks is what their classes say."""

import json
import re
from datetime import UTC, datetime, timedelta
from importlib import import_module
from importlib.util import find_spec

import pytest
from django.core.management import get_commands

from accounts import announcing, calling, subscribing
from channels_registry.connector.capabilities import CAPABILITIES, SAME_POST_TWICE, claims
from channels_registry.networks import network, slugs
from socialops.lib.delivery.pace import pace
from tests import factories
from tests.servers import CHECKOUT
from tests.tools import Tool

README = (CHECKOUT / "README.md").read_text()
APPS = ["accounts", "channels_registry", "publishing", "inbox", "governance", "socialops"]
SUFFIXES = (".py", ".md", ".yml", ".toml", ".example", ".png", ".svg")


def capability_table() -> str:
    lines = [["Network", *CAPABILITIES.values(), "Same post twice"], ["---"] * (len(CAPABILITIES) + 2)]
    for it in map(network, slugs()):
        lines.append([it.label, *claims(it).values(), SAME_POST_TWICE[it.idempotency]])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def named_paths() -> set[str]:
    """What is written as code or as the target of a link, and looks like a file or a folder of ours."""
    words = " ".join(re.findall(r"`([^`\n]+)`", README)).split()
    words += re.findall(r"\]\(([^)\s]+)\)", README) + re.findall(r"\b[A-Z]+\.md\b", README)
    paths = {word for word in words if "/" in word or word.endswith(SUFFIXES)}
    return {path.replace("<slug>", "sandbox") for path in paths if "://" not in path and not path.startswith("/api/")}


def found(module: str, name: str) -> bool:
    places = [f"{app}.{module}" for app in APPS if find_spec(f"{app}.{module}")]
    return any(hasattr(import_module(place), name) for place in places)


def test_the_table_of_networks_is_what_their_classes_say():
    between = README.partition("<!-- capabilities -->\n")[2].partition("\n<!-- /capabilities -->")[0]
    assert between == capability_table(), f"Write this between the marks in README.md:\n{capability_table()}"


def events_table() -> str:
    """The families of events that webhooks tell of, with what stands before the dot of those that there are."""
    lines = [["Events", "Their types begin with"], ["---", "---"]]
    for family in announcing.FAMILIES.values():
        nouns = dict.fromkeys(action.partition(".")[0] for action in family.actions())
        lines.append([family.words, ", ".join(f"`{noun}.`" for noun in nouns)])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def test_the_events_of_webhooks_are_those_that_are_registered():
    import_module("socialops.urls")  # every verb is known
    between = README.partition("<!-- events -->\n")[2].partition("\n<!-- /events -->")[0]
    assert between == events_table(), f"Write this between the marks in README.md:\n{events_table()}"


def test_the_numbers_of_webhooks_are_the_codes():
    told = README.partition("## Webhooks out")[2].partition("\n## ")[0]
    assert f"none within {calling.PATIENCE:.0f} seconds" in told and "six times over five hours" in told
    assert len(calling.WAITS) + 1 == pace().tries == 6 and round(sum(calling.WAITS) / 3600) == 5
    assert timedelta(days=3) == subscribing.FAILED_FOR
    said = json.loads(told.partition("```json\n")[2].partition("```")[0])
    assert list(said) == list(json.loads(announcing.payload("x", datetime.now(UTC), {})))


def test_every_target_of_make_exists():
    named = set(re.findall(r"(?:`|^|\d )make ([a-z]+)", README, re.MULTILINE))
    made = set(re.findall(r"^([a-z-]+):", (CHECKOUT / "Makefile").read_text(), re.MULTILINE))
    assert {"demo", "test", "help", "check"} <= named
    assert named - made == set()


def test_every_file_and_folder_exists():
    places = [CHECKOUT, *(CHECKOUT / app for app in APPS)]
    named = named_paths()
    assert {"static/pictures/today.png", "connector/", "CONTRIBUTING.md"} <= named
    assert [path for path in sorted(named) if not any((place / path).exists() for place in places)] == []


def test_every_command_of_manage_exists():
    named = set(re.findall(r"manage\.py ([a-z_]+)", README))
    assert "doctor" in named
    assert named - set(get_commands()) == set()


@pytest.mark.parametrize(("module", "verb"), re.findall(r"\b([a-z]+)\.([a-z_]+)\b", README.split("```")[3]))
def test_every_verb_of_the_journeys_exists(module, verb):
    assert found(module, verb)


def test_the_request_that_it_shows_is_done_once(db):
    command = README.split("```")[5]
    path, key = re.search(r"/api/v1/(\S+)", command)[1], re.search(r"Idempotency-Key: (\S+)\"", command)[1]
    said = json.loads(re.search(r"-d '(.+)'", command)[1])
    alice, acme = factories.person("alice"), factories.channel("sandbox")
    factories.grant(acme, alice, "author")
    tool = Tool(alice)
    answers = [tool.post(path, said | {"channels": [acme.pk]}, key=key) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [201, 201] and answers[0].content == answers[1].content
