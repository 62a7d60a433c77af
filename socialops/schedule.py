"""Everything that ever happens by itself, on one page. Beat reads it; two beats do no harm.

A message only says "look now". One that was not heard in time expires: the next says the same.
"""

NUDGE_EXPIRES = 5.0

# Lanes of deliveries (socialops/lib/delivery): nudged each second, so that one runs wherever a worker is.
LANES = [
    "publishing.tasks.drain_publish",
    "inbox.tasks.drain_reply",
]

# Leased reads and small catching up, nudged as often.
READS = [
    "inbox.tasks.poll",
    "inbox.tasks.catch_up",
]

SCHEDULE: dict[str, dict] = {
    **{name: {"task": name, "schedule": 1.0, "options": {"expires": NUDGE_EXPIRES}} for name in LANES + READS},
}
