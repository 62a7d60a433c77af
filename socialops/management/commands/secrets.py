"""manage.py secrets DIRECTORY: the files that docker-compose.yml hands to web, worker and beat."""

import io
import secrets
from pathlib import Path

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandParser
from django.test.utils import override_settings

DATABASE = "postgres:5432/socialops"


class Command(BaseCommand):
    help = "Make the secrets of a production installation, one file each. A file that exists is left alone."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("directory", type=Path)

    def handle(self, *, directory: Path, **options) -> None:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        directory.chmod(0o700)
        made = []
        for name in ("postgres_password", "secret_key", "mfa_keys", "audit_signing_key"):
            made += _write_once(directory / name, secrets.token_urlsafe(48))
        owner, app = (directory / "postgres_password").read_text(), secrets.token_urlsafe(48)
        made += _write_once(directory / "owner_database_url", f"postgresql://socialops:{owner}@{DATABASE}")
        made += _write_once(directory / "database_url", f"postgresql://socialops_app:{app}@{DATABASE}")
        with override_settings(SEALING_KEYS=str(directory)):
            for ring in ("connections", "webhooks"):
                if not (directory / f"{ring}-1.public").exists():
                    call_command("sealing_keys", "make", webhooks=ring == "webhooks", stdout=io.StringIO())
                    made.append(ring)
        for path in directory.iterdir():
            path.chmod(0o644)  # compose mounts each file as it is: the container's user must be able to read it
        self.stdout.write(f"Made {', '.join(made)} in {directory}." if made else f"{directory} is complete already.")
        self.stdout.write("Only you may enter the directory. Keep a copy of it: without the keys no token can be read.")


def _write_once(path: Path, value: str) -> list[str]:
    if path.exists():
        return []
    path.write_text(value)
    return [path.name]
