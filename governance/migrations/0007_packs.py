"""Evidence is made by a worker: what is asked for, how far it is, and the digests of what was made."""

from django.db import migrations, models
from django.db.models import F
from django.db.models.functions import Now

from governance.models.evidence import BUNDLE_MOVES
from socialops.lib.sql import declared_transitions


def were_made(apps, editor):
    bundles = apps.get_model("governance", "EvidenceBundle").objects
    bundles.update(state="made", asked_at=F("made_at"))
    for kind, title in (("access", "Who could reach what"), ("offboarding", "An offboarding case")):
        bundles.filter(kind=kind, title="").update(title=title)


class Migration(migrations.Migration):
    dependencies = [("governance", "0006_asking_for_access")]
    operations = [
        migrations.AlterField("evidencebundle", "made_at", models.DateTimeField(blank=True, null=True)),
        migrations.AlterField("evidencebundle", "at_moment", models.DateTimeField(blank=True, null=True)),
        migrations.AlterField("evidencebundle", "file", models.FileField(blank=True, upload_to="evidence/%Y/%m/")),
        migrations.AlterField("evidencebundle", "manifest", models.JSONField(default=dict)),
        migrations.AlterField(
            "evidencebundle", "manifest_sha256", models.CharField(blank=True, default="", max_length=64)
        ),
        migrations.AddField("evidencebundle", "asked_at", models.DateTimeField(null=True)),
        migrations.AddField("evidencebundle", "title", models.CharField(blank=True, default="", max_length=200)),
        migrations.AddField("evidencebundle", "sample", models.PositiveIntegerField(default=25)),
        migrations.AddField("evidencebundle", "seed", models.CharField(blank=True, default="", max_length=32)),
        migrations.AddField(
            "evidencebundle",
            "state",
            models.CharField(
                choices=[("due", "Being made"), ("made", "Made"), ("failed", "Could not be made")],
                default="due",
                max_length=6,
            ),
        ),
        migrations.AddField("evidencebundle", "done", models.PositiveIntegerField(default=0)),
        migrations.AddField("evidencebundle", "total", models.PositiveIntegerField(default=0)),
        migrations.AddField("evidencebundle", "tries", models.PositiveSmallIntegerField(default=0)),
        migrations.AddField("evidencebundle", "problem", models.TextField(blank=True, default="")),
        migrations.AddField("evidencebundle", "key_id", models.CharField(blank=True, default="", max_length=40)),
        migrations.AddField("evidencebundle", "size", models.BigIntegerField(default=0)),
        migrations.AddField("evidencebundle", "sha256", models.CharField(blank=True, default="", max_length=64)),
        migrations.AddField("evidencebundle", "pdf", models.FileField(blank=True, upload_to="evidence/%Y/%m/")),
        migrations.RunPython(were_made, migrations.RunPython.noop),
        migrations.AlterField("evidencebundle", "asked_at", models.DateTimeField(db_default=Now(), editable=False)),
        migrations.AddIndex(
            "evidencebundle",
            models.Index(condition=models.Q(("state", "due")), fields=["id"], name="packs_to_make"),
        ),
        declared_transitions("governance_evidencebundle", BUNDLE_MOVES, born={"due"}),
    ]
