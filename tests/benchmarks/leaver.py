"""Somebody's doors are shut one after another while a burst goes out: how long each waits until a worker has it."""

import threading
import time
from typing import Any

from tests.benchmarks import ground

EVERY = 0.04  # seconds between two


class Leaver(threading.Thread):
    """Asks for one revocation a channel from `due` on, through the verb."""

    def __init__(self, control: Any, channels: list[Any], due: float):
        from django.utils import timezone

        from channels_registry.models import AccessGrant
        from tests import factories

        super().__init__(daemon=True)
        self.due, leaver = due, factories.person("leo")
        self.doors = [
            AccessGrant.objects.create(
                channel=channel, person=leaver, door="app_password", entitlement="publish", source="observed",
                remote_id=control.door(channel.remote_id, "app_password", "publish", label="leo")["id"],
                starts_at=timezone.now(),
            )
            for channel in channels
        ]  # fmt: skip

    def run(self) -> None:
        from django.db import connection

        from channels_registry import revoking

        time.sleep(max(self.due + EVERY - time.time(), 0))
        for door in self.doors:
            revoking.request_revocation(door, None, "They leave.")
            time.sleep(EVERY)
        connection.close()

    def waited(self) -> dict[str, float]:
        """Seconds from being due to the claim, which is the first attempt's beginning."""
        from channels_registry.models import Revocation, RevocationAttempt

        self.join(30)
        shut = Revocation.objects.filter(grant__in=self.doors, state="done")
        ground.wait_for(lambda: shut.count() == len(self.doors), "every door to be shut", 60)
        first = RevocationAttempt.objects.filter(fence=1, delivery__grant__in=self.doors)
        late = sorted((at - due).total_seconds() for at, due in first.values_list("started_at", "delivery__due_at"))
        return {"count": len(late), "p50": late[len(late) // 2], "p99": late[int(len(late) * 0.99)], "last": late[-1]}
