"""Everything that ever happens by itself, on one page. Beat reads it; two beats do no harm.

A message only says "look now". One that was not heard in time expires: the next says the same.
"""

NUDGE_EXPIRES = 5.0

# Lanes of deliveries (socialops/lib/delivery): nudged each second, so that one runs wherever a worker is.
LANES = [
    "channels_registry.tasks.drain_revoke",
    "publishing.tasks.drain_publish",
    "publishing.tasks.drain_correct",
    "inbox.tasks.drain_reply",
    "accounts.tasks.drain_mail_webhook",
]

# Leased reads and small catching up, nudged as often.
READS = [
    "channels_registry.tasks.prove_connections",
    "channels_registry.tasks.rehearse_connections",
    "channels_registry.tasks.level_access",
    "inbox.tasks.poll",
    "inbox.tasks.catch_up",
    "accounts.tasks.seal",
    "accounts.tasks.announce",
    "publishing.tasks.work_imports",
    "channels_registry.tasks.work_imports",
    "publishing.tasks.read_pages",
    "governance.tasks.make_packs",
    "governance.tasks.begin_offboarding",
]

# Slower: leavers' logins, mails, signed heads of the trail, who has access over there, tokens that run out, figures,
# posts that repeat; how risky each channel is.
SLOW_READS = {
    "accounts.tasks.sweep_departed": 5.0,
    "accounts.tasks.apply_leavers": 3.0,
    "accounts.tasks.gather_mail": 20.0,
    "accounts.tasks.sign_head": 60.0,
    "accounts.tasks.mail_head": 3600.0,
    "accounts.tasks.forget_answers": 3600.0,
    "publishing.tasks.remind": 60.0,
    "publishing.tasks.warn": 60.0,
    "publishing.tasks.retime": 3600.0,
    "publishing.tasks.forget_pages": 3600.0,
    "publishing.tasks.repeat": 20.0,
    "governance.tasks.sweep": 2.0,  # a leaver's case opens within 5 s, whatever moment they left at
    "governance.tasks.review": 2.0,
    "governance.tasks.review_slowly": 30.0,
    "governance.tasks.follow_requests": 5.0,
    "governance.tasks.purge": 3600.0,
    "governance.tasks.erase": 20.0,
    "channels_registry.tasks.read_doors": 5.0,
    "channels_registry.tasks.verify_doors": 5.0,
    "channels_registry.tasks.renew_connections": 30.0,
    "channels_registry.tasks.give_back": 2.0,
    "channels_registry.tasks.find_drift": 30.0,
    "channels_registry.tasks.end_access": 10.0,
    "channels_registry.tasks.rate_channels": 3600.0,
    "channels_registry.tasks.remind_of_doors": 60.0,
    "publishing.tasks.measure": 10.0,
}

SCHEDULE: dict[str, dict] = {
    **{
        name: {"task": name, "schedule": seconds, "options": {"expires": seconds}}
        for name, seconds in SLOW_READS.items()
    },
    **{name: {"task": name, "schedule": 1.0, "options": {"expires": NUDGE_EXPIRES}} for name in LANES + READS},
    "socialops.pulse": {"task": "socialops.pulse", "schedule": 5.0, "options": {"expires": NUDGE_EXPIRES}},
}
