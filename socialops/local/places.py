"""Where the embedded servers of this checkout live.

Everything stands in `.local/` at the top of the checkout: clusters, logs, keys, mail, and the sockets. No port and no
password, so two checkouts never meet. Two exceptions, both because of the system rather than by wish:

- a socket's path has room for 103 bytes, so a long checkout path puts the sockets into `$TMPDIR/so-<uid>-<hash>`;
- root may have to hand PostgreSQL to a user who cannot enter the checkout (see privileges.py): then `.local/elsewhere`
  holds the path of the directory that is used instead.
"""

import hashlib
import os
import stat
import tempfile
from pathlib import Path

from socialops.local.errors import LocalError

CHECKOUT = Path(__file__).resolve().parents[2]
SOCKET_PATH_BYTES = 103  # macOS; Linux has 107
LONGEST_SOCKET_NAME = len("/.s.PGSQL.65535.lock")


class Places:
    """The directories of one set of servers; `home` is `.local/` or, in tests, a temporary directory."""

    def __init__(self, home: Path | str | None = None) -> None:
        self.home = Path(home or os.environ.get("SOCIALOPS_HOME") or CHECKOUT / ".local").absolute()

    @property
    def servers(self) -> Path:
        """Where the clusters are: the home, or the place named in `elsewhere`."""
        try:
            return Path((self.home / "elsewhere").read_text().strip())
        except FileNotFoundError:
            return self.home

    @property
    def sockets(self) -> Path:
        inside = self.servers / "run"
        if len(os.fsencode(inside)) + LONGEST_SOCKET_NAME <= SOCKET_PATH_BYTES:
            return inside
        name = hashlib.sha256(os.fsencode(self.servers)).hexdigest()[:12]
        return Path(tempfile.gettempdir()) / f"so-{os.geteuid()}-{name}"

    @property
    def lock(self) -> Path:
        return self.home / "lock"

    def make(self) -> None:
        for directory in (self.home, self.servers, self.sockets):
            private_directory(directory)


def private_directory(path: Path, owner: tuple[int, int] | None = None) -> None:
    """Make `path` a directory that only its owner may enter, and refuse one that somebody else has put there."""
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = path.lstat()
        if not stat.S_ISDIR(found.st_mode):
            raise LocalError(f"{path} is not a directory. Move it away and try again.")
        uid = os.geteuid()
        if uid != 0 and found.st_uid != uid:
            raise LocalError(
                f"{path} belongs to another user (uid {found.st_uid}, you are {uid}). "
                f"Remove it, or run as that user: it was probably made with sudo."
            )
        if stat.S_IMODE(found.st_mode) != 0o700:
            path.chmod(0o700)
        if owner and (found.st_uid, found.st_gid) != owner:
            os.chown(path, *owner)
    except OSError as error:
        raise LocalError(f"{path} cannot be made: {error.strerror}. Make room or mend its permissions.") from error
