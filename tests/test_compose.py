"""docker-compose.yml is valid, and its very commands run: two workers, two beats, secrets by file.

There is no engine in the tests, so the image is not built here; the commands are taken from the file and run as
processes, with the addresses of the tests' own servers.
"""

import json
import os
import shlex
import subprocess
import sys
import urllib.request
from pathlib import Path
from urllib.parse import urlsplit
from uuid import uuid4

import jsonschema
import pytest
import yaml

from tests.processes import wait_until
from tests.servers import CHECKOUT, free_port

OURS = ("web", "worker", "beat", "migrate")


@pytest.fixture(scope="module")
def compose() -> dict:
    return yaml.safe_load((CHECKOUT / "docker-compose.yml").read_text())


@pytest.fixture
def secrets(tmp_path, fresh_database) -> Path:
    """What `make secrets` makes, with the address of this test's database."""
    directory = tmp_path / "secrets"
    made = subprocess.run(
        [sys.executable, "manage.py", "secrets", directory], cwd=CHECKOUT, capture_output=True, text=True, check=False
    )
    assert made.returncode == 0, made.stderr
    (directory / "owner_database_url").write_text(fresh_database)
    (directory / "database_url").write_text(fresh_database.replace("//socialops@", f"//{uuid4().hex}:secret@"))
    return directory


def environment(compose: dict, service: str, secrets: Path) -> dict[str, str]:
    """The service's environment, its secrets where a file is rather than in /run/secrets, and nothing of ours."""
    given = {name: _default(value) for name, value in compose["services"][service]["environment"].items()}
    given = {name: value.replace("/run/secrets", str(secrets)) for name, value in given.items()}
    own = {"REDIS_URL": os.environ["REDIS_URL"], "MEDIA_ROOT": str(secrets.parent / "media")}
    return {"PATH": os.environ["PATH"], **given, **own}


def command(compose: dict, service: str, **changed: str) -> list[str]:
    words = [changed.get(word, word) for word in compose["services"][service]["command"]]
    return [sys.executable, *words[1:]]


def _default(value: str) -> str:
    """What compose puts in for ${NAME:-default} when NAME is not set."""
    return value.partition(":-")[2].rstrip("}") if value.startswith("${") else value


def test_it_is_valid_by_the_compose_specification(compose):
    schema = json.loads((CHECKOUT / "tests" / "schemas" / "compose-spec.json").read_text())
    validator = jsonschema.Draft201909Validator(schema)
    validator.validate(compose)
    assert not validator.is_valid(compose | {"services": {"web": {"comand": "typo"}}})


def test_every_service_can_be_watched_stopped_and_scaled(compose):
    services = compose["services"]
    for name in ("web", "worker", "beat", "postgres", "redis"):
        assert services[name]["healthcheck"]["test"], name
    for name in OURS:
        assert services[name]["init"] is True
        assert services[name]["read_only"] is True
        assert services[name]["cap_drop"] == ["ALL"]
        assert set(services[name]["secrets"]) <= set(compose["secrets"])
        assert not [key for key in services[name]["environment"] if key in {"SECRET_KEY", "DATABASE_URL", "MFA_KEYS"}]
    assert "container_name" not in services["worker"]  # or it could not be scaled
    assert "ports" not in services["worker"] | services["postgres"] | services["redis"]


def test_only_migrating_is_the_owner_of_the_tables(compose, tmp_path):
    holders = [name for name in OURS if "owner_database_url" in compose["services"][name]["secrets"]]
    assert holders == ["migrate"]
    subprocess.run([sys.executable, "manage.py", "secrets", tmp_path], cwd=CHECKOUT, capture_output=True, check=True)
    users = [urlsplit((tmp_path / name).read_text()).username for name in ("owner_database_url", "database_url")]
    assert users == ["socialops", "socialops_app"]
    assert compose["services"]["postgres"]["environment"]["POSTGRES_USER"] == "socialops"


def test_the_private_key_of_the_tokens_is_the_workers_alone(compose):
    holders = [name for name in OURS if "connections-1.private" in compose["services"][name]["secrets"]]
    assert holders == ["worker"]


def test_the_image_runs_as_an_ordinary_user():
    lines = (CHECKOUT / "Dockerfile").read_text().splitlines()
    assert "USER socialops" in lines
    assert lines.index("USER socialops") < next(i for i, line in enumerate(lines) if line.startswith("CMD"))


def test_its_commands_run_with_two_workers_and_two_beats(compose, secrets, processes, tmp_path):
    port = free_port()
    migrated = subprocess.run(
        command(compose, "migrate"), cwd=CHECKOUT, env=environment(compose, "migrate", secrets), check=False
    )
    assert migrated.returncode == 0
    address = f"http://127.0.0.1:{port}"
    web_env = environment(compose, "web", secrets) | {"BASE_URL": address}
    changed = {
        "--bind=0.0.0.0:8000": f"--bind=127.0.0.1:{port}",
        "--worker-tmp-dir=/tmp": f"--worker-tmp-dir={tmp_path}",
    }
    web = processes.bare("web", command(compose, "web", **changed), web_env)
    worker_env = environment(compose, "worker", secrets)
    workers = [processes.bare("worker", [*command(compose, "worker"), f"--hostname=w{n}@%h"], worker_env) for n in "12"]
    for number in "12":
        own = {"--schedule=/tmp/beat": f"--schedule={tmp_path}/beat-schedule-{number}"}
        processes.bare("beat", command(compose, "beat", **own), environment(compose, "beat", secrets))
    wait_until(lambda: _status(f"{address}/healthz") == 200, "web to answer", web)
    assert _status(f"{address}/readyz") == 200
    for worker in workers:
        wait_until(lambda worker=worker: " ready." in worker.said(400), "a worker", worker)
    for service in ("worker", "beat"):
        check = compose["services"][service]["healthcheck"]["test"][1:]
        wait_until(
            lambda c=check, s=service: _run(c, environment(compose, s, secrets)) == 0, f"{service} to be healthy"
        )
    check = compose["services"]["web"]["healthcheck"]["test"][1:]
    here = [word.replace("127.0.0.1:8000", f"127.0.0.1:{port}") for word in check]
    assert _run(here, web_env) == 0, shlex.join(here)


def _run(words: list[str], env: dict[str, str]) -> int:
    done = subprocess.run([sys.executable, *words[1:]], cwd=CHECKOUT, env=env, capture_output=True, check=False)
    return done.returncode


def _status(url: str) -> int:
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return answer.status
    except OSError:
        return 0
