"""The rules of delivery and approval, and the tests that keep them."""

LANES = [
    "claiming",
    "settling",
    "reaping",
    "judging",
    "sending",
    "late",
    "rules",
]
AGREEMENTS = [
    "approving", "submitting", "asking", "scheduling", "delegating", "linking", "permissions", "rights",
    "models/revision", "models/approval",
]  # fmt: skip
FILES = [*(f"socialops/lib/delivery/{name}.py" for name in LANES), *(f"publishing/{name}.py" for name in AGREEMENTS)]

# Which of these come by a line is seen by running them once. Those that take longest, first.
OF_LANES = [
    "model", "culprits", "followers", "answers", "invariants", "late", "unheard", "corrections", "people", "claiming",
    "sending", "judging",
]  # fmt: skip
OF_AGREEMENTS = [
    "pages", "queueing", "scheduling", "resolving", "moving", "publications", "reminding", "rights", "silencing",
    "triage_of_holds", "restoring", "stages", "attaching", "approving", "workflows", "drafting", "autosaving",
    "following", "approval_rules", "bypasses", "windows", "library", "linking", "submitting", "measuring",
    "holding", "whose", "retiming", "briefing", "commenting_from_outside", "commenting", "api",
    "repeating", "phrasing", "carding", "locks",
]  # fmt: skip
TESTS = [
    "tests/test_every_url.py",
    "tests/faults/test_restored.py",
    *(f"tests/lib/delivery/test_{name}.py" for name in OF_LANES),
    *(f"tests/publishing/test_{name}.py" for name in OF_AGREEMENTS),
]

# Whose rules these are: asked first, where they come by a line.
FIRST = {
    "publishing/approving.py": ["approving", "bypasses", "linking", "approval_rules", "stages"],
    "publishing/submitting.py": ["submitting", "windows", "workflows", "repeating", "phrasing"],
    "publishing/asking.py": ["stages", "workflows", "reminding"],
    "publishing/scheduling.py": ["scheduling", "windows", "silencing", "following", "repeating"],
    "publishing/delegating.py": ["reminding", "workflows"],
    "publishing/linking.py": ["linking", "commenting_from_outside"],
    "publishing/permissions.py": ["rights", "library", "whose"],
    "publishing/rights.py": ["approving", "stages", "rights", "whose"],
    "publishing/models/revision.py": ["restoring", "stages", "attaching", "following"],
    "publishing/models/approval.py": ["stages", "approval_rules"],
}

# Reads the files instead of coming by their lines, so it is asked about each.
OF_ALL = ["tests/test_architecture.py::test_who_agrees_and_who_schedules_does_it_in_one_transaction"]

# What stands in the database is made by migrations, before any test: these files meet these tests, on a database that
# was migrated with the mistake.
IN_THE_DATABASE = {
    "socialops/lib/delivery/rules.py": ["tests/lib/delivery/test_invariants.py", "tests/lib/delivery/test_late.py"]
}

# Changes nothing that anybody could see: by file, the mutant's name as the report has it, and why.
EQUIVALENT: dict[str, dict[str, str]] = {
    "socialops/lib/delivery/claiming.py": {
        "UPDATE {table} AS item SET state = 'sending', fence = item.fence + 1, lease_owner = %s, reason = '', "
        "[SQL: + 1 to + 2]": (
            "A fence is only compared with another of its row, for equality and order: any step forward does."
        ),
    },
    "socialops/lib/delivery/late.py": {
        'return acceptance_in(delivery.attempts.filter(**ACCEPTED).order_by("-fence")[:1]) [1 to 2]': (
            "Each row of the query is an acceptance, and acceptance_in takes the first: none looks at a second."
        ),
    },
    "publishing/linking.py": {
        'if not AuditEvent.objects.filter(subject_type="approval", subject_id=str(approval.pk), **said).exists(): '
        "[left out: subject_type='approval']": ("Only _note_refusal records this action, and always of an approval."),
    },
    "publishing/delegating.py": {
        'person=person, ended_at=None, carried_from=None, decisions=None, stage__state__in=("waiting", "pending"), '
        "[left out: ended_at=None]": (
            "_give_to_another reads the place again under the lock, and gives away none that has ended: it "
            "returns False, which counts as nothing."
        ),
    },
}
