"""Rules that the database itself keeps, as reversible migration operations in plain SQL.

`ENABLE ALWAYS` makes a trigger fire in replication roles too. The owner of a table can still drop its triggers, so
migrating and running use separate database roles in production.
"""

from collections.abc import Mapping

from django.db import migrations


def append_only(table: str) -> migrations.RunSQL:
    """No UPDATE, DELETE or TRUNCATE on this table, for anyone."""
    return migrations.RunSQL(
        f"""
        CREATE FUNCTION {table}_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN RAISE EXCEPTION '{table} is append-only' USING ERRCODE = 'restrict_violation'; END $$;
        CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE ON {table}
            FOR EACH ROW EXECUTE FUNCTION {table}_append_only();
        CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table}
            FOR EACH STATEMENT EXECUTE FUNCTION {table}_append_only();
        ALTER TABLE {table} ENABLE ALWAYS TRIGGER {table}_append_only;
        ALTER TABLE {table} ENABLE ALWAYS TRIGGER {table}_no_truncate;
        """,
        f"""
        DROP TRIGGER IF EXISTS {table}_append_only ON {table};
        DROP TRIGGER IF EXISTS {table}_no_truncate ON {table};
        DROP FUNCTION IF EXISTS {table}_append_only();
        """,
    )


def declared_transitions(
    table: str, moves: Mapping[str, set[str]], born: set[str], column: str = "state"
) -> migrations.RunSQL:
    """Only the declared moves between states, and only the declared states at birth."""
    name = f"{table}_{column}_moves"
    return migrations.RunSQL(
        f"""
        {transitions_function(table, moves, born, column)}
        CREATE TRIGGER {name} BEFORE INSERT OR UPDATE ON {table} FOR EACH ROW EXECUTE FUNCTION {name}();
        ALTER TABLE {table} ENABLE ALWAYS TRIGGER {name};
        """,
        f"DROP TRIGGER IF EXISTS {name} ON {table}; DROP FUNCTION IF EXISTS {name}();",
    )


def transitions_function(
    table: str, moves: Mapping[str, set[str]], born: set[str], column: str = "state", unless: str = "false"
) -> str:
    """What the trigger of declared_transitions runs. `unless`: SQL under which another move is allowed all the same."""
    pairs = ", ".join(move_pairs(moves)) or "''"
    births = ", ".join(f"'{state}'" for state in sorted(born))
    return f"""
        CREATE OR REPLACE FUNCTION {table}_{column}_moves() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF TG_OP = 'INSERT' THEN
                IF NEW.{column} NOT IN ({births}) THEN
                    RAISE EXCEPTION '{table}: % is not a state to begin in', NEW.{column}
                        USING ERRCODE = 'check_violation';
                END IF;
            ELSIF NEW.{column} IS DISTINCT FROM OLD.{column}
                AND (OLD.{column} || '>' || NEW.{column}) NOT IN ({pairs}) THEN
                IF {unless} THEN
                    RETURN NEW;
                END IF;
                RAISE EXCEPTION '{table}: % to % is not a declared transition', OLD.{column}, NEW.{column}
                    USING ERRCODE = 'check_violation';
            END IF;
            RETURN NEW;
        END $$;
        """


def move_pairs(moves: Mapping[str, set[str]]) -> list[str]:
    """'a>b' for each move, quoted, in order."""
    return [f"'{a}>{b}'" for a, after in sorted(moves.items()) for b in sorted(after)]
