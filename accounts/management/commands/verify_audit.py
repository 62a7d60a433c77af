"""manage.py verify_audit: is the trail what it was? Ends with 1 and names the rows if it is not."""

import sys
from pathlib import Path

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from accounts import chaining, verifying


class Command(BaseCommand):
    help = "Check the audit trail against its seals and against the heads that left the database."

    def add_arguments(self, parser):
        parser.add_argument("--heads", type=Path, help="where the heads are (default: settings.AUDIT_HEADS)")
        parser.add_argument("--export", type=Path, help="write the trail there too, for `python -m accounts.verifying`")

    def handle(self, *args, heads: Path | None, export: Path | None, **options):
        directory = heads or chaining.heads_directory()
        if export:
            self._export(export)
        sealed, unsealed = chaining.whole_trail()
        try:
            outside, keys = verifying.read_heads(directory), verifying.read_keys(directory)
        except (OSError, ValueError) as error:
            raise CommandError(f"The heads in {directory} cannot be read: {error}") from error
        report = verifying.verify(sealed, unsealed, outside, keys, timezone.now())
        self.stdout.write(verifying.words(report))
        if not outside:
            self.stdout.write("No head has left the database yet, so a cut or rewritten chain would not show.")
        if report.findings:
            sys.exit(1)

    def _export(self, path: Path) -> None:
        sealed, unsealed = chaining.whole_trail()
        with path.open("wb") as file:
            for seal, event in sealed:
                file.write(verifying.canonical({"kind": "seal", **seal}) + b"\n")
                if event:
                    file.write(verifying.canonical({"kind": "event", **event}) + b"\n")
            for event in unsealed:
                file.write(verifying.canonical({"kind": "event", **event}) + b"\n")
