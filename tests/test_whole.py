"""What CI may try again: a run that reached every test. One that did not must not end as if some had only failed."""

import os
import subprocess
import sys

import pytest

from tests.servers import CHECKOUT

FAILS = "def test_is_well(): pass\ndef test_fails(): assert 0\n"
DIES = "import os\ndef test_dies(): os._exit(3)\n" + "".join(f"def test_{n}(): pass\n" for n in range(9))


@pytest.mark.parametrize(
    ("planted", "ends"),
    [({}, 1), ({"test_unreadable.py": "import nothing_such\n"}, 3), ({"test_crash.py": DIES}, 3)],
    ids=["some failed", "a file cannot be collected", "a worker died"],
)
def test_only_a_run_that_reached_every_test_may_be_tried_again(tmp_path, planted, ends):
    for name, text in {"test_plain.py": FAILS, **planted}.items():
        (tmp_path / name).write_text(text)
    command = (CHECKOUT / ".ci" / "run").read_text().partition("-m pytest -p ")[2].partition(" ||")[0].split()
    env = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    plugins = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTEST_PLUGINS": "xdist.plugin"}
    ended = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", *command],
        cwd=tmp_path,
        env=env | plugins | {"PYTHONPATH": str(CHECKOUT)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ended.returncode == ends, ended.stdout
