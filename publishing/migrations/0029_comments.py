"""Threads of comments about posts. Who reads a thread and what was said in it never changes: the database keeps that."""

import django.db.models.deletion
from django.db import migrations, models

RULES = migrations.RunSQL(
    """
    CREATE FUNCTION publishing_commentthread_kept() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF (NEW.post_id, NEW.kind, NEW.revision_id, NEW.channel_id, NEW.quote)
            IS DISTINCT FROM (OLD.post_id, OLD.kind, OLD.revision_id, OLD.channel_id, OLD.quote) THEN
            RAISE EXCEPTION 'what a thread is about, and who reads it, never changes' USING ERRCODE = 'check_violation';
        END IF;
        RETURN NEW;
    END $$;
    CREATE TRIGGER publishing_commentthread_kept BEFORE UPDATE ON publishing_commentthread
        FOR EACH ROW EXECUTE FUNCTION publishing_commentthread_kept();
    ALTER TABLE publishing_commentthread ENABLE ALWAYS TRIGGER publishing_commentthread_kept;

    CREATE FUNCTION publishing_comment_kept() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF TG_OP = 'INSERT' THEN
            IF NEW.external_id IS NOT NULL AND NOT EXISTS (
                SELECT FROM publishing_commentthread t JOIN publishing_approval a ON a.post_id = t.post_id
                JOIN publishing_approvalstage s ON s.approval_id = a.id JOIN publishing_ask q ON q.stage_id = s.id
                WHERE t.id = NEW.thread_id AND t.kind = 'external' AND q.external_id = NEW.external_id) THEN
                RAISE EXCEPTION 'from outside one writes in external threads, about posts that one is asked about'
                    USING ERRCODE = 'check_violation';
            END IF;
        ELSIF (NEW.thread_id, NEW.by_id, NEW.external_id, NEW.text, NEW.at)
            IS DISTINCT FROM (OLD.thread_id, OLD.by_id, OLD.external_id, OLD.text, OLD.at)
            OR (OLD.withdrawn_at IS NOT NULL AND NEW.withdrawn_at IS DISTINCT FROM OLD.withdrawn_at) THEN
            RAISE EXCEPTION 'a comment is never changed, only taken back' USING ERRCODE = 'check_violation';
        END IF;
        RETURN NEW;
    END $$;
    CREATE TRIGGER publishing_comment_kept BEFORE INSERT OR UPDATE ON publishing_comment
        FOR EACH ROW EXECUTE FUNCTION publishing_comment_kept();
    ALTER TABLE publishing_comment ENABLE ALWAYS TRIGGER publishing_comment_kept;
    """,
    """
    DROP TRIGGER IF EXISTS publishing_comment_kept ON publishing_comment;
    DROP FUNCTION IF EXISTS publishing_comment_kept();
    DROP TRIGGER IF EXISTS publishing_commentthread_kept ON publishing_commentthread;
    DROP FUNCTION IF EXISTS publishing_commentthread_kept();
    """,
)


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0005_absences"),
        ("channels_registry", "0005_measurements"),
        ("publishing", "0028_notes_and_views"),
    ]

    operations = [
        migrations.CreateModel(
            name="CommentThread",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "kind",
                    models.CharField(
                        choices=[("internal", "Internal"), ("external", "External")], default="internal", max_length=8
                    ),
                ),
                ("quote", models.CharField(blank=True, default="", max_length=500)),
                ("resolved_at", models.DateTimeField(blank=True, null=True)),
                (
                    "channel",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="channels_registry.channel",
                    ),
                ),
                (
                    "post",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="threads", to="publishing.post"
                    ),
                ),
                (
                    "resolved_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="accounts.person",
                    ),
                ),
                (
                    "revision",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="publishing.revision"
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Comment",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("text", models.TextField()),
                ("at", models.DateTimeField(auto_now_add=True)),
                ("withdrawn_at", models.DateTimeField(blank=True, null=True)),
                (
                    "by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="accounts.person",
                    ),
                ),
                (
                    "external",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="comments",
                        to="publishing.externalapprover",
                    ),
                ),
                ("mentions", models.ManyToManyField(blank=True, related_name="+", to="accounts.person")),
                (
                    "thread",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="comments",
                        to="publishing.commentthread",
                    ),
                ),
            ],
        ),
        migrations.AddIndex(
            model_name="commentthread",
            index=models.Index(condition=models.Q(("resolved_at", None)), fields=["post"], name="open_threads"),
        ),
        migrations.AddConstraint(
            model_name="commentthread",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("resolved_at", None), ("resolved_by", None)),
                    models.Q(("resolved_at__isnull", False), ("resolved_by__isnull", False)),
                    _connector="OR",
                ),
                name="a_resolved_thread_names_who",
            ),
        ),
        migrations.AddConstraint(
            model_name="comment",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("by", None), ("external__isnull", False)),
                    models.Q(("by__isnull", False), ("external", None)),
                    _connector="OR",
                ),
                name="a_comment_is_of_one",
            ),
        ),
        RULES,
    ]
