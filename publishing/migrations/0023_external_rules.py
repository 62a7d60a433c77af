"""What the database keeps of somebody from outside: they decide from their own place, never with an address of somebody
here, and their agreement is never enough alone.
"""

from importlib import import_module

from django.db import migrations

rules = import_module("publishing.migrations.0010_stage_rules")
SEATED = """
        IF NEW.external_id IS NOT NULL AND EXISTS (SELECT FROM publishing_externalapprover e WHERE e.id = NEW.external_id
            AND (e.ended_at IS NOT NULL OR EXISTS (SELECT FROM accounts_person p WHERE
                regexp_replace(lower(p.email), '\\+[^@]*@', '@') = regexp_replace(lower(e.email), '\\+[^@]*@', '@')))) THEN
            RAISE EXCEPTION 'nobody from outside decides with an address of somebody here' USING ERRCODE = 'check_violation';
        END IF;
"""
ALONE = """
            IF NOT EXISTS (SELECT FROM publishing_ask q JOIN publishing_approvalstage s ON s.id = q.stage_id
                WHERE s.approval_id = NEW.id AND q.person_id IS NOT NULL AND (q.carried_from_id IS NOT NULL
                OR EXISTS (SELECT FROM publishing_decision d WHERE d.ask_id = q.id AND d.verdict = 'approved'))) THEN
                RAISE EXCEPTION 'approval % was agreed to by nobody here', NEW.id USING ERRCODE = 'check_violation';
            END IF;
"""
COUNTING = "count(DISTINCT q.person_id)", "count(DISTINCT coalesce(q.person_id, -q.external_id))"
DECIDING = [
    (
        "AND q.person_id = NEW.by_id",
        "AND (q.person_id, q.external_id) IS NOT DISTINCT FROM (NEW.by_id, NEW.external_id)",
    ),
    (
        "        IF NEW.by_id = asked.author_id THEN",
        SEATED.lstrip("\n") + "        IF NEW.by_id = asked.author_id THEN",
    ),
]
AGREEING = [
    (
        "            NEW.approved_at := statement_timestamp();",
        ALONE + "            NEW.approved_at := statement_timestamp();",
    )
]
ASKING = [
    (
        "(NEW.stage_id, NEW.person_id, NEW.instead_of_id, NEW.carried_from_id)",
        "(NEW.stage_id, NEW.person_id, NEW.external_id, NEW.instead_of_id, NEW.carried_from_id)",
    ),
    (
        "(OLD.stage_id, OLD.person_id, OLD.instead_of_id, OLD.carried_from_id)",
        "(OLD.stage_id, OLD.person_id, OLD.external_id, OLD.instead_of_id, OLD.carried_from_id)",
    ),
    ("SELECT d.id, d.by_id, d.verdict", "SELECT d.id, d.by_id, d.external_id, d.verdict"),
    (
        "given.by_id <> NEW.person_id",
        "(given.by_id, given.external_id) IS DISTINCT FROM (NEW.person_id, NEW.external_id)",
    ),
    (
        "OR (d.by_id = NEW.person_id AND s.remit",
        "OR ((d.by_id = NEW.person_id OR d.external_id = NEW.external_id) AND s.remit",
    ),
]


def function(sql: str, name: str, changes: list[tuple[str, str]]) -> migrations.RunSQL:
    """The function of this name as it stands in an earlier migration, with these changes; and back."""
    start = sql.index(f"FUNCTION {name}(")
    end = sql.index("$$;", sql.index("$$", start) + 2) + 3
    before = after = "CREATE OR REPLACE " + sql[start:end]
    for old, new in changes:
        assert after.count(old) == 1, old  # noqa: S101 (a migration that would do nothing must not pass)
        after = after.replace(old, new)
    return migrations.RunSQL(after, before)


class Migration(migrations.Migration):
    dependencies = [("publishing", "0022_externals")]
    operations = [
        function(rules.COUNTING.sql, "publishing_stage_agreed", [COUNTING]),
        function(rules.DECISIONS.sql, "publishing_decision_by_another", DECIDING),
        function(rules.APPROVALS.sql, "publishing_approval_bound", AGREEING),
        function(rules.ASKS.sql, "publishing_ask_kept", ASKING),
    ]
