"""What the database itself keeps of an access review.

The population is frozen, a decision that was handed in stands, and nothing is attested while something is undecided.
"""

from django.db import migrations

from governance.models.access_review import ITEM_MOVES, REVIEW_MOVES
from socialops.lib.sql import append_only, declared_transitions

REVIEW, ITEM = "governance_accessreview", "governance_reviewitem"
FROZEN = (
    "review_id", "grant_id", "channel_id", "person_id", "granted_by_id", "door", "entitlement", "label", "source",
    "holder", "channel_name", "tier", "granted_reason", "granted_at", "expires_at", "proven_at",
)  # fmt: skip
DECIDED = ("state", "decided_by_id", "decided_at", "seconds", "many", "lapsed", "reason", "submitted_at")
REMEDIED = ("revocation_id", "accepted_by_id", "accepted_at", "accepted_reason")


def row(which: str, columns: tuple[str, ...]) -> str:
    return f"({', '.join(f'{which}.{column}' for column in columns)})"


class Migration(migrations.Migration):
    dependencies = [("governance", "0004_access_reviews")]
    operations = [
        declared_transitions(REVIEW, REVIEW_MOVES, born={"preparing"}),
        declared_transitions(ITEM, ITEM_MOVES, born={"open"}),
        append_only("governance_attestation"),
        migrations.RunSQL(
            f"""
            CREATE FUNCTION {ITEM}_frozen() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN
                IF TG_OP = 'DELETE' OR TG_OP = 'TRUNCATE' THEN
                    RAISE EXCEPTION 'the population of a review is frozen' USING ERRCODE = 'restrict_violation';
                END IF;
                IF {row("NEW", FROZEN)} IS DISTINCT FROM {row("OLD", FROZEN)} THEN
                    RAISE EXCEPTION 'the population of a review is frozen' USING ERRCODE = 'restrict_violation';
                END IF;
                IF {row("NEW", DECIDED)} IS DISTINCT FROM {row("OLD", DECIDED)} THEN
                    IF OLD.submitted_at IS NOT NULL AND NOT (OLD.state = 'certified' AND NEW.state = 'open') THEN
                        RAISE EXCEPTION 'a decision that was handed in stands' USING ERRCODE = 'restrict_violation';
                    END IF;
                END IF;
                IF {row("NEW", DECIDED + REMEDIED)} IS DISTINCT FROM {row("OLD", DECIDED + REMEDIED)} THEN
                    -- Shared, so that whoever signs off waits for decisions that are on their way, and they for it.
                    PERFORM FROM {REVIEW} WHERE id = NEW.review_id AND state = 'open' FOR SHARE;
                    IF NOT FOUND THEN
                        RAISE EXCEPTION 'this review is not open' USING ERRCODE = 'restrict_violation';
                    END IF;
                END IF;
                RETURN NEW;
            END $$;
            CREATE TRIGGER {ITEM}_frozen BEFORE UPDATE OR DELETE ON {ITEM}
                FOR EACH ROW EXECUTE FUNCTION {ITEM}_frozen();
            CREATE TRIGGER {ITEM}_never_emptied BEFORE TRUNCATE ON {ITEM}
                FOR EACH STATEMENT EXECUTE FUNCTION {ITEM}_frozen();
            CREATE FUNCTION {ITEM}_no_late_comer() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN
                IF EXISTS (SELECT FROM (SELECT DISTINCT review_id FROM added) a JOIN {REVIEW} r ON r.id = a.review_id
                           WHERE r.state <> 'preparing') THEN
                    RAISE EXCEPTION 'the population of a review is frozen' USING ERRCODE = 'restrict_violation';
                END IF;
                RETURN NULL;
            END $$;
            CREATE TRIGGER {ITEM}_no_late_comer AFTER INSERT ON {ITEM} REFERENCING NEW TABLE AS added
                FOR EACH STATEMENT EXECUTE FUNCTION {ITEM}_no_late_comer();
            CREATE FUNCTION {REVIEW}_all_decided() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN
                IF EXISTS (SELECT FROM {ITEM} WHERE review_id = NEW.id AND (state = 'open' OR submitted_at IS NULL)) THEN
                    RAISE EXCEPTION 'a review with something undecided cannot be attested'
                        USING ERRCODE = 'check_violation';
                END IF;
                RETURN NEW;
            END $$;
            CREATE TRIGGER {REVIEW}_all_decided BEFORE UPDATE ON {REVIEW} FOR EACH ROW
                WHEN (NEW.state = 'attested' AND OLD.state <> 'attested') EXECUTE FUNCTION {REVIEW}_all_decided();
            ALTER TABLE {ITEM} ENABLE ALWAYS TRIGGER {ITEM}_frozen;
            ALTER TABLE {ITEM} ENABLE ALWAYS TRIGGER {ITEM}_never_emptied;
            ALTER TABLE {ITEM} ENABLE ALWAYS TRIGGER {ITEM}_no_late_comer;
            ALTER TABLE {REVIEW} ENABLE ALWAYS TRIGGER {REVIEW}_all_decided;
            """,
            f"""
            DROP TRIGGER IF EXISTS {REVIEW}_all_decided ON {REVIEW};
            DROP TRIGGER IF EXISTS {ITEM}_no_late_comer ON {ITEM};
            DROP TRIGGER IF EXISTS {ITEM}_never_emptied ON {ITEM};
            DROP TRIGGER IF EXISTS {ITEM}_frozen ON {ITEM};
            DROP FUNCTION IF EXISTS {REVIEW}_all_decided(), {ITEM}_no_late_comer(), {ITEM}_frozen();
            """,
        ),
    ]
