"""What the database keeps of a delivery, as migration operations for each concrete pair of tables."""

from collections.abc import Collection, Mapping

from django.db import migrations

from socialops.lib.delivery.models import LATE_MOVES, MOVES
from socialops.lib.sql import declared_transitions, move_pairs, transitions_function

CLEAR = "'not_sent', 'continued', 'rejected', 'proven_absent'"
LATE = "evidence->'late'->>'outcome' = 'accepted'"

INDEXES = {
    "due": "(next_attempt_at, id) WHERE state = 'scheduled'",
    "leases": "(lease_until) WHERE state = 'sending'",
    "looks": "(next_attempt_at) WHERE state = 'unknown'",
}


def delivery_rules(
    table: str,
    attempts: str,
    indexed: Collection[str] = (),
    moves: Mapping[str, set[str]] = MOVES,
    born: Collection[str] = ("scheduled",),
) -> list[migrations.RunSQL]:
    """Declared moves only; never scheduled again while an attempt may have made something; settled attempts stay.

    And the indexes that a shift reads by, but those that the model has already (`indexed`: "due", "leases").
    """
    return [
        *(_index(table, name, of) for name, of in INDEXES.items() if name not in indexed),
        declared_transitions(table, moves, born=set(born)),
        _sent_again_only_when_clear(table, attempts),
        _attempts_settle_once(attempts),
    ]


def late_answer_rules(table: str, attempts: str, born: Collection[str] = ("scheduled",)) -> migrations.RunSQL:
    """On top of delivery_rules: what an acceptance shows to be out, however late it came, is never scheduled again, and
    a person may say that it is out (LATE_MOVES).

    Only for effects that cannot be repeated.
    """
    late = f"EXISTS (SELECT FROM {attempts} WHERE delivery_id = NEW.id AND {LATE})"
    confirmed = f"(OLD.state || '>' || NEW.state) IN ({', '.join(move_pairs(LATE_MOVES))}) AND {late}"
    return migrations.RunSQL(
        transitions_function(table, MOVES, set(born), unless=confirmed)
        + _clear_function(table, attempts, or_when=LATE),
        transitions_function(table, MOVES, set(born)) + _clear_function(table, attempts),
    )


def _index(table: str, name: str, of: str) -> migrations.RunSQL:
    return migrations.RunSQL(f"CREATE INDEX {table}_{name} ON {table} {of}", f"DROP INDEX IF EXISTS {table}_{name}")


def _sent_again_only_when_clear(table: str, attempts: str) -> migrations.RunSQL:
    """Checked at commit, because the attempt and its delivery are settled in one statement."""
    name = f"{table}_clear"
    return migrations.RunSQL(
        f"""
        {_clear_function(table, attempts)}
        CREATE CONSTRAINT TRIGGER {name} AFTER UPDATE ON {table} DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
            WHEN (NEW.state = 'scheduled' AND OLD.state <> 'scheduled') EXECUTE FUNCTION {name}();
        ALTER TABLE {table} ENABLE ALWAYS TRIGGER {name};
        """,
        f"DROP TRIGGER IF EXISTS {name} ON {table}; DROP FUNCTION IF EXISTS {name}();",
    )


def _clear_function(table: str, attempts: str, or_when: str = "false") -> str:
    return f"""
        CREATE OR REPLACE FUNCTION {table}_clear() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF EXISTS (SELECT FROM {attempts} WHERE delivery_id = NEW.id
                       AND (outcome IS NULL OR outcome NOT IN ({CLEAR}) OR {or_when})) THEN
                RAISE EXCEPTION '{table} %: an earlier attempt may have made something; it is not sent again', NEW.id
                    USING ERRCODE = 'check_violation';
            END IF;
            RETURN NULL;
        END $$;
        """


def _attempts_settle_once(attempts: str) -> migrations.RunSQL:
    """`unknown` may still be proven absent, rejected or accepted by a look or a person; nothing else is rewritten."""
    name = f"{attempts}_once"
    return migrations.RunSQL(
        f"""
        CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            RAISE EXCEPTION '{attempts} %: settled as %, it cannot become %', OLD.id, OLD.outcome, NEW.outcome
                USING ERRCODE = 'check_violation';
        END $$;
        CREATE TRIGGER {name} BEFORE UPDATE ON {attempts} FOR EACH ROW
            WHEN (OLD.outcome IS NOT NULL AND OLD.outcome <> 'unknown' AND NEW.outcome IS DISTINCT FROM OLD.outcome)
            EXECUTE FUNCTION {name}();
        ALTER TABLE {attempts} ENABLE ALWAYS TRIGGER {name};
        """,
        f"DROP TRIGGER IF EXISTS {name} ON {attempts}; DROP FUNCTION IF EXISTS {name}();",
    )
