"""What the import contracts cannot see, and that the contracts themselves can fail."""

import ast
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from django.apps import apps

from tests.servers import CHECKOUT

# A lower app never names a higher one, not even as a string in a foreign key.
LOWEST_FIRST = ["accounts", "channels_registry", "publishing", "inbox", "governance"]
TOP_LEVEL = {
    *("manage.py", "socialops", *LOWEST_FIRST, "templates", "static", "tests", "docker-compose.yml", "pyproject.toml"),
    *("README.md", "CHANGELOG.md", "CONTRIBUTING.md", "LICENSE", "Makefile", "Dockerfile", "requirements", ".ci"),
    *(".env.example", ".gitignore", ".dockerignore"),
}
NAMES_THAT_SAY_NOTHING = {"services.py", "utils.py", "helpers.py", "common.py", "misc.py"}
HEAVY = {"django", "celery", "kombu", "redis", "psycopg2", "guardian", "allauth"}


def sources() -> list[Path]:
    """Every file that git knows or would add."""
    said = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        check=True,
    )
    return [Path(line) for line in said.stdout.splitlines() if (CHECKOUT / line).is_file()]


def lint_imports(where: Path) -> subprocess.CompletedProcess:
    linter = Path(sys.executable).with_name("lint-imports")
    return subprocess.run([linter, "--no-cache"], cwd=where, capture_output=True, text=True, check=False, timeout=120)


def test_imports_go_one_way():
    said = lint_imports(CHECKOUT)
    assert said.returncode == 0, said.stdout


@pytest.mark.parametrize(
    ("planted", "contract"),
    [
        ("accounts/people.py: import governance.models", "Apps depend downwards only"),
        ("publishing/models/__init__.py: import publishing.tasks", "Inside an app"),
        ("channels_registry/connector/errors.py: import django.conf", "Networks and connector are pure"),
        ("inbox/nobody_placed_me.py: import json", "Inside an app"),
        ("socialops/sandbox/wire.py: import accounts.models", "The sandbox network knows nobody here"),
    ],
)
def test_a_planted_import_is_found(planted, contract, tmp_path):
    for path in sources():
        if (path.suffix == ".py" and path.parts[0] != "tests") or path.name == "pyproject.toml":
            (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(CHECKOUT / path, tmp_path / path)
    name, _, line = planted.partition(": ")
    with (tmp_path / name).open("a") as file:
        file.write(f"\n{line}\n")
    said = lint_imports(tmp_path)
    assert said.returncode != 0
    assert re.search(rf"{re.escape(contract)}.* BROKEN", said.stdout)


def test_who_agrees_and_who_schedules_does_it_in_one_transaction():
    """Each test is a transaction already, so a verb that has none of its own would pass all the others."""
    verbs = [
        node
        for name in ("approving", "submitting", "scheduling", "delegating", "linking")
        for node in ast.parse((CHECKOUT / "publishing" / f"{name}.py").read_text()).body
        if isinstance(node, ast.FunctionDef) and "by" in {each.arg for each in node.args.args}
    ]
    without = {verb.name for verb in verbs if "transaction.atomic" not in map(ast.unparse, verb.decorator_list)}
    part_of_one = {"void", "return_to_author", "tell_of_comment"}
    one_for_each = {"approve_opened"}
    assert {name for name in without if not name.startswith("_")} == part_of_one | one_for_each


def test_the_top_level_holds_what_people_expect_and_nothing_else():
    assert {path.parts[0] for path in sources()} - TOP_LEVEL == set()


def test_no_file_has_a_name_that_says_nothing():
    assert [str(path) for path in sources() if path.name in NAMES_THAT_SAY_NOTHING] == []


def test_foreign_keys_point_downwards():
    upwards = [
        f"{model._meta.label}.{field.name} -> {field.related_model._meta.label}"
        for model in apps.get_models()
        for field in model._meta.get_fields()
        if field.is_relation and field.concrete and field.related_model
        if model._meta.app_label in LOWEST_FIRST and field.related_model._meta.app_label in LOWEST_FIRST
        if LOWEST_FIRST.index(field.related_model._meta.app_label) > LOWEST_FIRST.index(model._meta.app_label)
    ]
    assert upwards == []


@pytest.mark.parametrize("package", ["channels_registry.networks", "channels_registry.connector", "socialops.sandbox"])
def test_loading_every_network_loads_no_framework(package):
    """Import strings and late imports are invisible to a linter, so ask Python what it has loaded."""
    words = (
        "import importlib, pkgutil, sys\n"
        f"package = importlib.import_module({package!r})\n"
        "for each in pkgutil.walk_packages(package.__path__, package.__name__ + '.'):\n"
        "    if not each.name.endswith('__main__'): importlib.import_module(each.name)\n"
        "print(*sorted({name.partition('.')[0] for name in sys.modules}))"
    )
    said = subprocess.run([sys.executable, "-c", words], cwd=CHECKOUT, capture_output=True, text=True, check=True)
    assert HEAVY & set(said.stdout.split()) == set()


def test_nothing_outside_a_networks_own_files_knows_its_name():
    """A network is two files, a line in the registry and an icon. The demo company may choose its networks."""
    from channels_registry.networks import slugs

    own = (
        "channels_registry/networks/",
        "tests/",
        "socialops/sandbox/",
        "socialops/management/",
        "socialops/local/",
        "static/",
    )
    quoted = re.compile("|".join(rf"""["']{slug}["']""" for slug in slugs()))
    branches = [
        f"{path}:{number}: {line.strip()}"
        for path in sources()
        if path.suffix in {".py", ".html", ".js", ".css"} and "vendor" not in path.parts
        if not str(path).startswith(own)
        for number, line in enumerate((CHECKOUT / path).read_text().splitlines(), 1)
        if quoted.search(line)
    ]
    assert branches == []
