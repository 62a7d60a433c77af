"""What the database itself keeps of drafting and approving, whatever the code above it does.

Only declared moves. Revisions and decisions are never rewritten. An approval is of one revision of one post, for good;
it is given by somebody who neither wrote nor changed the post since it was last approved; and nothing is approved
without such a decision.
"""

from django.db import migrations

from publishing.models import APPROVAL_MOVES, POST_MOVES
from socialops.lib.sql import append_only, declared_transitions

DECISIONS = migrations.RunSQL(
    """
    CREATE FUNCTION publishing_decision_by_another() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE
        asked record;
        agreed integer;
    BEGIN
        SELECT a.post_id, a.state, r.hash, p.author_id INTO STRICT asked
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
        IF NEW.verdict <> 'approved' THEN
            RETURN NEW;
        END IF;
        IF NEW.by_id = asked.author_id THEN
            RAISE EXCEPTION 'nobody approves their own post' USING ERRCODE = 'check_violation';
        END IF;
        IF asked.hash <> (SELECT hash FROM publishing_revision WHERE post_id = asked.post_id ORDER BY number DESC LIMIT 1) THEN
            RAISE EXCEPTION 'the post changed after it was asked about' USING ERRCODE = 'check_violation';
        END IF;
        SELECT coalesce(max(r.number), 0) INTO agreed
            FROM publishing_approval a JOIN publishing_revision r ON r.id = a.revision_id
            WHERE a.post_id = asked.post_id AND a.state IN ('approved', 'void')
            AND EXISTS (SELECT FROM publishing_decision d WHERE d.approval_id = a.id AND d.verdict = 'approved');
        IF EXISTS (SELECT FROM publishing_revision WHERE post_id = asked.post_id AND by_id = NEW.by_id AND number > agreed) THEN
            RAISE EXCEPTION 'nobody approves what they changed' USING ERRCODE = 'check_violation';
        END IF;
        RETURN NEW;
    END $$;
    CREATE TRIGGER publishing_decision_by_another BEFORE INSERT ON publishing_decision
        FOR EACH ROW EXECUTE FUNCTION publishing_decision_by_another();
    ALTER TABLE publishing_decision ENABLE ALWAYS TRIGGER publishing_decision_by_another;
    """,
    """
    DROP TRIGGER IF EXISTS publishing_decision_by_another ON publishing_decision;
    DROP FUNCTION IF EXISTS publishing_decision_by_another();
    """,
)

APPROVALS = migrations.RunSQL(
    """
    CREATE FUNCTION publishing_approval_bound() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF TG_OP = 'UPDATE' AND (NEW.post_id, NEW.revision_id) IS DISTINCT FROM (OLD.post_id, OLD.revision_id) THEN
            RAISE EXCEPTION 'an approval is of one revision of one post' USING ERRCODE = 'check_violation';
        END IF;
        IF NOT EXISTS (SELECT FROM publishing_revision WHERE id = NEW.revision_id AND post_id = NEW.post_id) THEN
            RAISE EXCEPTION 'the revision is of another post' USING ERRCODE = 'check_violation';
        END IF;
        IF TG_OP = 'UPDATE' AND NEW.state = 'approved' AND OLD.state <> 'approved' AND NOT EXISTS (
            SELECT FROM publishing_decision WHERE approval_id = NEW.id AND verdict = 'approved') THEN
            RAISE EXCEPTION 'approval % has no decision', NEW.id USING ERRCODE = 'check_violation';
        END IF;
        RETURN NEW;
    END $$;
    CREATE TRIGGER publishing_approval_bound BEFORE INSERT OR UPDATE ON publishing_approval
        FOR EACH ROW EXECUTE FUNCTION publishing_approval_bound();
    ALTER TABLE publishing_approval ENABLE ALWAYS TRIGGER publishing_approval_bound;

    CREATE FUNCTION publishing_post_approved() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF NOT EXISTS (SELECT FROM publishing_approval a JOIN publishing_revision r ON r.id = a.revision_id
            WHERE a.post_id = NEW.id AND a.state = 'approved' AND r.hash =
                (SELECT hash FROM publishing_revision WHERE post_id = NEW.id ORDER BY number DESC LIMIT 1)) THEN
            RAISE EXCEPTION 'post %: what it says now was not approved', NEW.id USING ERRCODE = 'check_violation';
        END IF;
        RETURN NEW;
    END $$;
    CREATE TRIGGER publishing_post_approved BEFORE UPDATE ON publishing_post FOR EACH ROW
        WHEN (NEW.state = 'approved' AND OLD.state <> 'approved') EXECUTE FUNCTION publishing_post_approved();
    ALTER TABLE publishing_post ENABLE ALWAYS TRIGGER publishing_post_approved;
    """,
    """
    DROP TRIGGER IF EXISTS publishing_post_approved ON publishing_post;
    DROP FUNCTION IF EXISTS publishing_post_approved();
    DROP TRIGGER IF EXISTS publishing_approval_bound ON publishing_approval;
    DROP FUNCTION IF EXISTS publishing_approval_bound();
    """,
)


class Migration(migrations.Migration):
    dependencies = [("publishing", "0002_rules")]

    operations = [
        declared_transitions("publishing_post", POST_MOVES, born={"draft"}),
        declared_transitions("publishing_approval", APPROVAL_MOVES, born={"pending"}),
        append_only("publishing_revision"),
        append_only("publishing_decision"),
        DECISIONS,
        APPROVALS,
    ]
