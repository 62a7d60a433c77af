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
        parser.add_argument(
            "--export", type=Path, help="write the trail there too, for `python3 accounts/verifying.py trail heads`"
        )

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
        """What is sealed, as lines: a seal, then its event. What has no seal yet proves nothing."""
        sealed, unsealed = chaining.whole_trail()
        with path.open("wb") as file:
            for seal, event in sealed:
                file.writelines(verifying.lines_of(seal, event))
        if left := sum(1 for _ in unsealed):
            self.stdout.write(f"{left} events have no seal yet, so they are not in the export.")
