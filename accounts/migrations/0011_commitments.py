"""Events get a salt, seals a version, and what is erased from the trail a row. What is there already keeps version 1."""

import django.contrib.postgres.functions
import django.db.models.deletion
from django.db import migrations, models

from socialops.lib.sql import append_only

# An event may change in one way alone: its labels and data become what its redaction says, and its salt goes.
BLANKED = """
    (CASE WHEN {r}.fields ? 'actor_label' THEN '(erased)' ELSE {e}.actor_label END),
    (CASE WHEN {r}.fields ? 'subject_label' THEN '(erased)' ELSE {e}.subject_label END),
    (SELECT coalesce(jsonb_object_agg(
        name, CASE WHEN {r}.fields ? ('data.' || name) THEN '"(erased)"'::jsonb ELSE value END), '{{}}')
     FROM jsonb_each({e}.data) AS each(name, value))
"""
GUARD = f"""
    CREATE OR REPLACE FUNCTION accounts_auditevent_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF TG_OP = 'UPDATE' THEN
            IF NEW.salt IS NULL
                AND (NEW.id, NEW.at, NEW.actor_id, NEW.action, NEW.subject_type, NEW.subject_id, NEW.click)
                    IS NOT DISTINCT FROM
                    (OLD.id, OLD.at, OLD.actor_id, OLD.action, OLD.subject_type, OLD.subject_id, OLD.click)
                AND EXISTS (SELECT FROM accounts_auditredaction r WHERE r.event_id = OLD.id
                    AND (NEW.actor_label, NEW.subject_label, NEW.data)
                        IS NOT DISTINCT FROM ({BLANKED.format(r="r", e="OLD")})) THEN
                RETURN NEW;
            END IF;
        END IF;
        RAISE EXCEPTION 'accounts_auditevent is append-only' USING ERRCODE = 'restrict_violation';
    END $$;
"""
# Runs as the owner of the trail: the role of web and workers may call it, and has no other way to change an event.
BLANK = f"""
    CREATE FUNCTION accounts_blank(_events bigint[]) RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = public, pg_temp AS $$
    DECLARE _count bigint;
    BEGIN
        UPDATE accounts_auditevent e
        SET salt = NULL, (actor_label, subject_label, data) = ({BLANKED.format(r="r", e="e")})
        FROM accounts_auditredaction r WHERE r.event_id = e.id AND e.id = ANY(_events);
        GET DIAGNOSTICS _count = ROW_COUNT;
        RETURN _count;
    END $$;
"""
# What was erased can only grow: of an event that names two people, the second is erased as well.
GROWS = """
    CREATE OR REPLACE FUNCTION accounts_auditredaction_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF TG_OP = 'UPDATE' THEN
            IF NEW.event_id = OLD.event_id AND NEW.was = OLD.was AND NEW.fields @> OLD.fields
                AND OLD.keys @> NEW.keys THEN
                RETURN NEW;
            END IF;
        END IF;
        RAISE EXCEPTION 'accounts_auditredaction is append-only' USING ERRCODE = 'restrict_violation';
    END $$;
    CREATE FUNCTION accounts_redact(_event bigint, _by bigint, _fields jsonb, _keys jsonb, _was text) RETURNS void
    LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
        INSERT INTO accounts_auditredaction (event_id, by_id, fields, keys, was)
        VALUES (_event, _by, _fields, _keys, _was)
        ON CONFLICT (event_id) DO UPDATE SET by_id = _by, fields = _fields, keys = _keys;
    $$;
"""
AS_BEFORE = """
    CREATE OR REPLACE FUNCTION accounts_auditevent_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN RAISE EXCEPTION 'accounts_auditevent is append-only' USING ERRCODE = 'restrict_violation'; END $$;
"""


class Migration(migrations.Migration):
    dependencies = [("accounts", "0010_leaver_lists")]
    operations = [
        migrations.AddField("auditevent", "salt", models.UUIDField(null=True)),
        migrations.AlterField(
            "auditevent",
            "salt",
            models.UUIDField(db_default=django.contrib.postgres.functions.RandomUUID(), null=True),
        ),
        migrations.AddField("auditseal", "version", models.PositiveSmallIntegerField(default=1)),
        migrations.CreateModel(
            name="AuditRedaction",
            fields=[
                (
                    "event",
                    models.OneToOneField(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        primary_key=True,
                        related_name="redaction",
                        serialize=False,
                        to="accounts.auditevent",
                    ),
                ),
                (
                    "by",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="accounts.auditevent",
                    ),
                ),
                ("fields", models.JSONField()),
                ("keys", models.JSONField()),
                ("was", models.CharField(blank=True, default="", max_length=64)),
            ],
        ),
        append_only("accounts_auditredaction"),
        migrations.RunSQL(GROWS, "DROP FUNCTION accounts_redact(bigint, bigint, jsonb, jsonb, text)"),
        migrations.RunSQL(GUARD, AS_BEFORE),
        migrations.RunSQL(BLANK, "DROP FUNCTION accounts_blank(bigint[])"),
    ]
