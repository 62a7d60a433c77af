"""What the database keeps of stages: what was asked is never changed, only who is asked decides, an agreement is taken
over only where what it covers is the same, and nothing is approved before enough different people agreed at each stage.

Every request made before becomes one stage, open to whoever may approve, with the person who was asked.
"""

from django.db import migrations

from publishing.models import STAGE_MOVES
from publishing.models.revision import REMITS
from socialops.lib.sql import declared_transitions

COVERS = " ".join(f"WHEN '{remit}' THEN ARRAY{list(parts)}" for remit, parts in REMITS.items())
COUNTING = migrations.RunSQL(
    """
    CREATE FUNCTION publishing_covered(covers varchar[], parts jsonb) RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$
        SELECT coalesce(jsonb_object_agg(part, parts -> part), '{}') FROM unnest(covers) part WHERE parts ? part
    $$;
    CREATE FUNCTION publishing_has_left(person bigint) RETURNS boolean LANGUAGE sql STABLE AS $$
        SELECT EXISTS (SELECT FROM accounts_departure WHERE person_id = person AND withdrawn_at IS NULL
            AND returned_at IS NULL AND at <= statement_timestamp())
    $$;
    CREATE FUNCTION publishing_stage_agreed(stage bigint) RETURNS boolean LANGUAGE sql STABLE AS $$
        SELECT least(count(DISTINCT coalesce(q.instead_of_id, q.id)), count(DISTINCT q.person_id)) >= min(s.needed)
        FROM publishing_approvalstage s JOIN publishing_approval a ON a.id = s.approval_id
        JOIN publishing_revision r ON r.id = a.revision_id JOIN publishing_ask q ON q.stage_id = s.id
        JOIN publishing_decision d
            ON d.id = coalesce(q.carried_from_id, (SELECT id FROM publishing_decision WHERE ask_id = q.id))
        WHERE s.id = stage AND d.verdict = 'approved' AND d.parts = publishing_covered(s.covers, r.parts)
    $$;
    """,
    """
    DROP FUNCTION IF EXISTS publishing_stage_agreed(bigint);
    DROP FUNCTION IF EXISTS publishing_has_left(bigint);
    DROP FUNCTION IF EXISTS publishing_covered(varchar[], jsonb);
    """,
)
KEPT = migrations.RunSQL(
    f"""
    SET CONSTRAINTS ALL IMMEDIATE;
    INSERT INTO publishing_approvalstage
        (approval_id, position, name, remit, covers, rule, needed, anyone, state, opened_at, decide_by)
    SELECT id, 1, initcap(question), question, CASE question {COVERS} END, 'any', 1, true,
        CASE WHEN state IN ('changes_requested', 'rejected') THEN 'returned'
            WHEN EXISTS (SELECT FROM publishing_decision d WHERE d.approval_id = a.id AND d.verdict = 'approved')
            THEN 'approved' ELSE 'pending' END,
        asked_at, latest_decision_at
    FROM publishing_approval a;
    INSERT INTO publishing_ask (stage_id, person_id, why, asked_at)
    SELECT s.id, a.asked_of_id, '', a.asked_at
        FROM publishing_approvalstage s JOIN publishing_approval a ON a.id = s.approval_id;
    INSERT INTO publishing_ask (stage_id, person_id, why, asked_at)
    SELECT DISTINCT s.id, d.by_id, 'came', a.asked_at FROM publishing_approvalstage s
        JOIN publishing_approval a ON a.id = s.approval_id JOIN publishing_decision d ON d.approval_id = a.id
        WHERE d.verdict <> 'withdrawn' AND d.by_id <> a.asked_of_id;
    ALTER TABLE publishing_decision DISABLE TRIGGER publishing_decision_append_only;
    UPDATE publishing_decision d SET stage_id = s.id, ask_id = q.id, parts = publishing_covered(s.covers, r.parts)
        FROM publishing_approvalstage s JOIN publishing_approval a ON a.id = s.approval_id
        JOIN publishing_revision r ON r.id = a.revision_id JOIN publishing_ask q ON q.stage_id = s.id
        WHERE d.approval_id = a.id AND d.by_id = q.person_id AND d.verdict <> 'withdrawn';
    ALTER TABLE publishing_decision ENABLE ALWAYS TRIGGER publishing_decision_append_only;
    UPDATE publishing_approval a SET approved_at =
        (SELECT min(d.at) FROM publishing_decision d WHERE d.approval_id = a.id AND d.verdict = 'approved');
    """,
    migrations.RunSQL.noop,
)

DECISIONS = migrations.RunSQL(
    """
    CREATE OR REPLACE FUNCTION publishing_decision_by_another() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE
        asked record;
        place record;
        agreed integer;
    BEGIN
        SELECT a.post_id, a.state, r.hash, r.parts, p.author_id INTO STRICT asked
            FROM publishing_approval a JOIN publishing_revision r ON r.id = a.revision_id
            JOIN publishing_post p ON p.id = a.post_id WHERE a.id = NEW.approval_id;
        IF NEW.author_id <> asked.author_id OR NEW.revision_hash <> asked.hash THEN
            RAISE EXCEPTION 'the decision is not about this post as it was asked about' USING ERRCODE = 'check_violation';
        END IF;
        IF NEW.verdict = 'withdrawn' THEN
            RETURN NEW;
        END IF;
        IF asked.state <> 'pending' THEN
            RAISE EXCEPTION 'approval % is %, nothing is left to decide', NEW.approval_id, asked.state
                USING ERRCODE = 'check_violation';
        END IF;
        SELECT s.id AS stage_id, s.covers INTO place
            FROM publishing_ask q JOIN publishing_approvalstage s ON s.id = q.stage_id
            WHERE q.id = NEW.ask_id AND s.id = NEW.stage_id AND s.approval_id = NEW.approval_id AND s.state = 'pending'
            AND q.person_id = NEW.by_id AND q.ended_at IS NULL AND q.carried_from_id IS NULL;
        IF NOT FOUND THEN
            RAISE EXCEPTION 'nobody decides who is not asked now' USING ERRCODE = 'check_violation';
        END IF;
        IF NEW.verdict <> 'approved' THEN
            RETURN NEW;
        END IF;
        IF NEW.parts <> publishing_covered(place.covers, asked.parts) THEN
            RAISE EXCEPTION 'the decision covers other parts than it was asked about' USING ERRCODE = 'check_violation';
        END IF;
        IF NEW.by_id = asked.author_id THEN
            RAISE EXCEPTION 'nobody approves their own post' USING ERRCODE = 'check_violation';
        END IF;
        IF publishing_has_left(NEW.by_id) THEN
            RAISE EXCEPTION 'nobody approves who has left' USING ERRCODE = 'check_violation';
        END IF;
        IF asked.hash <> (SELECT hash FROM publishing_revision WHERE post_id = asked.post_id ORDER BY number DESC LIMIT 1) THEN
            RAISE EXCEPTION 'the post changed after it was asked about' USING ERRCODE = 'check_violation';
        END IF;
        SELECT coalesce(max(r.number), 0) INTO agreed
            FROM publishing_approval a JOIN publishing_revision r ON r.id = a.revision_id
            WHERE a.post_id = asked.post_id AND a.state IN ('approved', 'void') AND a.approved_at IS NOT NULL
            AND NOT EXISTS (SELECT FROM publishing_ask q JOIN publishing_approvalstage s ON s.id = q.stage_id
                WHERE s.approval_id = a.id AND q.carried_from_id IS NOT NULL);
        IF EXISTS (SELECT FROM publishing_revision WHERE post_id = asked.post_id AND by_id = NEW.by_id AND number > agreed) THEN
            RAISE EXCEPTION 'nobody approves what they changed' USING ERRCODE = 'check_violation';
        END IF;
        RETURN NEW;
    END $$;
    """,
    migrations.RunSQL.noop,
)

APPROVALS = migrations.RunSQL(
    """
    CREATE OR REPLACE FUNCTION publishing_approval_bound() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF NOT EXISTS (SELECT FROM publishing_revision WHERE id = NEW.revision_id AND post_id = NEW.post_id) THEN
            RAISE EXCEPTION 'the revision is of another post' USING ERRCODE = 'check_violation';
        END IF;
        IF TG_OP = 'INSERT' THEN
            NEW.approved_at := NULL;
            RETURN NEW;
        END IF;
        IF (NEW.post_id, NEW.revision_id, NEW.window_from, NEW.window_until)
            IS DISTINCT FROM (OLD.post_id, OLD.revision_id, OLD.window_from, OLD.window_until) THEN
            RAISE EXCEPTION 'an approval is of one revision of one post, for one window' USING ERRCODE = 'check_violation';
        END IF;
        NEW.approved_at := OLD.approved_at;
        IF NEW.state = 'approved' AND OLD.state <> 'approved' THEN
            IF NOT EXISTS (SELECT FROM publishing_approvalstage WHERE approval_id = NEW.id) OR EXISTS (
                SELECT FROM publishing_approvalstage s WHERE s.approval_id = NEW.id
                AND (s.state NOT IN ('approved', 'carried') OR NOT publishing_stage_agreed(s.id))) THEN
                RAISE EXCEPTION 'approval % has no decision at one of its stages', NEW.id USING ERRCODE = 'check_violation';
            END IF;
            NEW.approved_at := statement_timestamp();
        END IF;
        RETURN NEW;
    END $$;
    """,
    migrations.RunSQL.noop,
)

STAGES = migrations.RunSQL(
    """
    CREATE FUNCTION publishing_stage_kept() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF TG_OP = 'DELETE' THEN
            RAISE EXCEPTION 'what was asked is kept' USING ERRCODE = 'restrict_violation';
        END IF;
        IF TG_OP = 'INSERT' THEN
            IF (SELECT state FROM publishing_approval WHERE id = NEW.approval_id) <> 'pending' THEN
                RAISE EXCEPTION 'nothing is added to a request that is over' USING ERRCODE = 'check_violation';
            END IF;
            RETURN NEW;
        END IF;
        IF (NEW.approval_id, NEW.position, NEW.remit, NEW.covers, NEW.rule, NEW.needed, NEW.anyone)
            IS DISTINCT FROM (OLD.approval_id, OLD.position, OLD.remit, OLD.covers, OLD.rule, OLD.needed, OLD.anyone) THEN
            RAISE EXCEPTION 'what was asked is kept' USING ERRCODE = 'restrict_violation';
        END IF;
        IF NEW.state IN ('approved', 'carried') AND OLD.state <> NEW.state AND NOT publishing_stage_agreed(NEW.id) THEN
            RAISE EXCEPTION 'stage % has not been agreed to by enough people', NEW.id USING ERRCODE = 'check_violation';
        END IF;
        IF NEW.state = 'pending' AND OLD.state = 'waiting' AND EXISTS (
            SELECT FROM publishing_approvalstage WHERE approval_id = NEW.approval_id AND position < NEW.position
            AND state NOT IN ('approved', 'carried')) THEN
            RAISE EXCEPTION 'stage % comes after one that has not been agreed to', NEW.id USING ERRCODE = 'check_violation';
        END IF;
        RETURN NEW;
    END $$;
    CREATE TRIGGER publishing_stage_kept BEFORE INSERT OR UPDATE OR DELETE ON publishing_approvalstage
        FOR EACH ROW EXECUTE FUNCTION publishing_stage_kept();
    ALTER TABLE publishing_approvalstage ENABLE ALWAYS TRIGGER publishing_stage_kept;
    """,
    """
    DROP TRIGGER IF EXISTS publishing_stage_kept ON publishing_approvalstage;
    DROP FUNCTION IF EXISTS publishing_stage_kept();
    """,
)

ASKS = migrations.RunSQL(
    """
    CREATE FUNCTION publishing_ask_kept() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE
        asked record;
        given record;
    BEGIN
        IF TG_OP = 'DELETE' OR (TG_OP = 'UPDATE' AND (NEW.stage_id, NEW.person_id, NEW.instead_of_id, NEW.carried_from_id)
            IS DISTINCT FROM (OLD.stage_id, OLD.person_id, OLD.instead_of_id, OLD.carried_from_id)) THEN
            RAISE EXCEPTION 'who was asked is kept' USING ERRCODE = 'restrict_violation';
        END IF;
        IF TG_OP = 'UPDATE' THEN
            RETURN NEW;
        END IF;
        SELECT s.state, s.anyone, s.remit, s.covers, a.post_id, a.window_from, a.window_until, r.parts, p.author_id
            INTO STRICT asked
            FROM publishing_approvalstage s JOIN publishing_approval a ON a.id = s.approval_id
            JOIN publishing_revision r ON r.id = a.revision_id JOIN publishing_post p ON p.id = a.post_id
            WHERE s.id = NEW.stage_id;
        IF NEW.person_id = asked.author_id THEN
            RAISE EXCEPTION 'nobody is asked about their own post' USING ERRCODE = 'check_violation';
        END IF;
        IF NEW.instead_of_id IS NULL AND asked.state <> 'waiting' AND NOT asked.anyone THEN
            RAISE EXCEPTION 'who is asked was settled when the stage opened' USING ERRCODE = 'check_violation';
        END IF;
        IF NEW.instead_of_id IS NOT NULL AND NOT EXISTS (
            SELECT FROM publishing_ask WHERE id = NEW.instead_of_id AND stage_id = NEW.stage_id AND instead_of_id IS NULL) THEN
            RAISE EXCEPTION 'the place is of another stage' USING ERRCODE = 'check_violation';
        END IF;
        IF NEW.carried_from_id IS NULL THEN
            RETURN NEW;
        END IF;
        SELECT d.id, d.by_id, d.verdict, d.parts, s.remit, r.number, a.post_id, a.window_from, a.window_until INTO given
            FROM publishing_decision d JOIN publishing_approvalstage s ON s.id = d.stage_id
            JOIN publishing_approval a ON a.id = d.approval_id JOIN publishing_revision r ON r.id = a.revision_id
            WHERE d.id = NEW.carried_from_id;
        IF NOT FOUND OR given.verdict <> 'approved' OR given.by_id <> NEW.person_id OR given.post_id <> asked.post_id
            OR given.remit <> asked.remit OR given.parts <> publishing_covered(asked.covers, asked.parts) THEN
            RAISE EXCEPTION 'the agreement was to something else' USING ERRCODE = 'check_violation';
        END IF;
        IF EXISTS (SELECT FROM publishing_revision r WHERE r.post_id = asked.post_id AND r.number > given.number
            AND (r.by_id = NEW.person_id OR NOT r.parts @> given.parts)) THEN
            RAISE EXCEPTION 'what was agreed to has changed since' USING ERRCODE = 'check_violation';
        END IF;
        IF 'time' = ANY(asked.covers) AND given.window_from IS NOT NULL AND (asked.window_from IS NULL
            OR asked.window_from < given.window_from OR asked.window_until > given.window_until) THEN
            RAISE EXCEPTION 'the agreement was to another time' USING ERRCODE = 'check_violation';
        END IF;
        IF EXISTS (SELECT FROM publishing_decision d JOIN publishing_approval a ON a.id = d.approval_id
            LEFT JOIN publishing_approvalstage s ON s.id = d.stage_id
            WHERE a.post_id = asked.post_id AND d.id > given.id AND (d.verdict = 'withdrawn'
            OR (d.by_id = NEW.person_id AND s.remit = asked.remit AND d.verdict <> 'approved'))) THEN
            RAISE EXCEPTION 'the agreement was taken back' USING ERRCODE = 'check_violation';
        END IF;
        IF publishing_has_left(NEW.person_id) THEN
            RAISE EXCEPTION 'nobody approves who has left' USING ERRCODE = 'check_violation';
        END IF;
        RETURN NEW;
    END $$;
    CREATE TRIGGER publishing_ask_kept BEFORE INSERT OR UPDATE OR DELETE ON publishing_ask
        FOR EACH ROW EXECUTE FUNCTION publishing_ask_kept();
    ALTER TABLE publishing_ask ENABLE ALWAYS TRIGGER publishing_ask_kept;
    """,
    """
    DROP TRIGGER IF EXISTS publishing_ask_kept ON publishing_ask;
    DROP FUNCTION IF EXISTS publishing_ask_kept();
    """,
)


class Migration(migrations.Migration):
    dependencies = [("publishing", "0009_stages")]

    operations = [
        COUNTING,
        KEPT,
        DECISIONS,
        APPROVALS,
        declared_transitions("publishing_approvalstage", STAGE_MOVES, born={"waiting"}),
        STAGES,
        ASKS,
        migrations.RemoveIndex("approval", "asked_of_whom"),
        migrations.RemoveField("approval", "asked_of"),
        migrations.RemoveField("approval", "question"),
    ]
