"""manage.py doctor: what is wrong with this installation, and how to mend it. Ends with 1 if anything is."""

import sys

from django.core.management.base import BaseCommand, CommandError, CommandParser

from socialops import probes


class Command(BaseCommand):
    help = "Say of each part whether it is well, and if not, what is wrong and how to mend it."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        names = [probe.__name__ for probe in probes.PARTS]
        parser.add_argument("parts", nargs="*", metavar="part", help=f"only these: {', '.join(names)}")

    def handle(self, *, parts: list[str], **options) -> None:
        known = {probe.__name__: probe for probe in probes.PARTS}
        if unknown := set(parts) - known.keys():
            raise CommandError(f"There is no part {', '.join(sorted(unknown))}. Parts: {', '.join(known)}.")
        found = []
        for finding in (known[name]() for name in parts) if parts else probes.everything():
            found.append(finding)
            self.stdout.write(f"{'ok   ' if finding.well else 'WRONG'}  {finding.part}: {finding.what}")
            if not finding.well:
                self.stdout.write(f"         {finding.mend}")
        wrong = sum(not finding.well for finding in found)
        self.stdout.write(f"{wrong} of {len(found)} parts need mending." if wrong else "Everything is well.")
        if wrong:
            sys.exit(1)
