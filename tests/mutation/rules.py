"""The rules of delivery and approval, and the tests that keep them, the quickest first: one that fails is enough."""

D, P = "tests/lib/delivery/", "tests/publishing/"

_ROWS = [f"{D}test_invariants.py", f"{D}test_late.py", f"{D}test_model.py"]
_ANSWERS = [*_ROWS, f"{D}test_unheard.py", f"{D}test_followers.py", f"{D}test_culprits.py", f"{D}test_answers.py"]
_AGREED = [f"{P}test_bypasses.py", f"{P}test_approving.py", f"{P}test_stages.py", f"{P}test_workflows.py"]
_AROUND = [f"{P}test_approval_rules.py", f"{P}test_following.py", f"{P}test_reminding.py", f"{P}test_windows.py"]
_MAY = [f"{P}test_rights.py", f"{P}test_whose.py", *_AGREED, f"{P}test_library.py"]

TESTS: dict[str, list[str]] = {
    "socialops/lib/delivery/claiming.py": _ANSWERS,
    "socialops/lib/delivery/settling.py": _ANSWERS,
    "socialops/lib/delivery/reaping.py": _ANSWERS,
    "socialops/lib/delivery/judging.py": _ANSWERS,
    "socialops/lib/delivery/sending.py": _ANSWERS,
    "socialops/lib/delivery/late.py": [*_ROWS, f"{P}test_resolving.py"],
    "socialops/lib/delivery/rules.py": _ROWS,
    "publishing/approving.py": [*_AGREED, *_AROUND, f"{P}test_briefing.py"],
    "publishing/submitting.py": [f"{P}test_submitting.py", *_AGREED, *_AROUND, f"{P}test_pages.py"],
    "publishing/asking.py": [f"{P}test_workflows.py", f"{P}test_stages.py", *_AGREED[:2], *_AROUND],
    "publishing/scheduling.py": [
        f"{P}test_scheduling.py", f"{P}test_windows.py", f"{P}test_approval_rules.py", f"{P}test_silencing.py",
        f"{P}test_queueing.py", f"{P}test_retiming.py", f"{P}test_moving.py", f"{P}test_publications.py",
    ],
    "publishing/delegating.py": [f"{P}test_reminding.py", *_AGREED],
    "publishing/linking.py": [f"{P}test_linking.py", f"{P}test_bypasses.py", "tests/test_every_url.py"],
    "publishing/permissions.py": [*_MAY, "tests/test_every_url.py"],
    "publishing/rights.py": _MAY,
    "publishing/models/revision.py": [f"{P}test_restoring.py", *_AGREED, f"{P}test_attaching.py"],
    "publishing/models/approval.py": [*_AGREED, *_AROUND],
}  # fmt: skip

# What stands in the database is made by migrations: these meet their tests on a database that the mutant migrated.
IN_THE_DATABASE = {"socialops/lib/delivery/rules.py"}

# Changes nothing that anybody could see, by what the report says of it: "<file> <what>", and why.
EQUIVALENT: dict[str, str] = {}
