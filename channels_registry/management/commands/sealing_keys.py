"""manage.py sealing_keys make | rotate: the keys that connections and webhook secrets are sealed with."""

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser

from accounts import entrusting, subscribing
from channels_registry import connecting
from socialops.lib import keyring


class Command(BaseCommand):
    help = "Make a new sealing key, or wrap what is sealed for the newest one. Nothing has to stop meanwhile."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "what", choices=["make", "rotate"], help="make: the next key. rotate: wrap what is sealed for the newest."
        )
        parser.add_argument("--webhooks", action="store_true", help="make: a key for webhook secrets instead")

    def handle(self, *, what: str, webhooks: bool, **options) -> None:
        if what == "make":
            ring = keyring.WEBHOOKS if webhooks else keyring.CONNECTIONS
            number = keyring.make_key(ring)
            self.stdout.write(
                f"{settings.SEALING_KEYS} holds {ring}-{number}.public and {ring}-{number}.private.\n"
                f"Give the public one to web and workers, the private one to workers only"
                f"{' and web' if webhooks else ''}. Then run “manage.py sealing_keys rotate” where the workers run."
            )
            return
        done, of = connecting.rotate_keys()
        self.stdout.write(f"{done} of {of} connections are wrapped for the newest key.")
        counts = (connecting.rotate_webhook_keys(), subscribing.rewrap_secrets(), entrusting.rewrap_secrets())
        done, of = (sum(each) for each in zip(*counts, strict=True))
        self.stdout.write(f"{done} of {of} webhook secrets are wrapped for the newest key.")
