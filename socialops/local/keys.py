"""Secrets that a local installation makes for itself, a file each in `.local/keys/`, readable by their owner only."""

import os
import secrets
from pathlib import Path

from socialops.local.places import Places, private_directory


def secret(name: str, places: Places | None = None) -> str:
    """The secret with this name, made on first use. Two processes that ask at once get the same one."""
    directory = (places or Places()).home / "keys"
    private_directory(directory.parent)
    private_directory(directory)
    path = directory / name
    if not path.exists():
        _write_once(path, secrets.token_urlsafe(48))
    return path.read_text().strip()


def _write_once(path: Path, value: str) -> None:
    draft = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    draft.touch(mode=0o600)
    draft.write_text(value)
    try:
        os.link(draft, path)  # fails if another process was first; its value stands
    except FileExistsError:
        pass
    finally:
        draft.unlink()
