import django.contrib.postgres.fields
import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0004_late_answers"),
        ("publishing", "0008_editing"),
    ]

    operations = [
        migrations.CreateModel(
            name="ApprovalStage",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("position", models.PositiveSmallIntegerField(default=1)),
                ("name", models.CharField(max_length=80)),
                (
                    "remit",
                    models.CharField(
                        choices=[("facts", "Facts"), ("legal", "Legal"), ("brand", "Brand")], max_length=10
                    ),
                ),
                (
                    "covers",
                    django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=20), size=None),
                ),
                (
                    "rule",
                    models.CharField(
                        choices=[("any", "Any of them"), ("all", "All of them"), ("some", "A number of them")],
                        default="any",
                        max_length=4,
                    ),
                ),
                ("needed", models.PositiveSmallIntegerField(default=1)),
                ("anyone", models.BooleanField(default=False)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("waiting", "Not yet asked"),
                            ("pending", "Asked"),
                            ("approved", "Approved"),
                            ("returned", "Sent back"),
                            ("carried", "Still stands"),
                        ],
                        default="waiting",
                        max_length=10,
                    ),
                ),
                ("opened_at", models.DateTimeField(blank=True, null=True)),
                ("decide_by", models.DateTimeField(blank=True, null=True)),
            ],
        ),
        migrations.CreateModel(
            name="Ask",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "why",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("", "Named"),
                            ("backup", "In place of somebody who left"),
                            ("came", "Decided without having been asked"),
                        ],
                        default="",
                        max_length=10,
                    ),
                ),
                ("asked_at", models.DateTimeField(blank=True, null=True)),
                ("ended_at", models.DateTimeField(blank=True, null=True)),
            ],
        ),
        migrations.AddField(
            model_name="approval",
            name="approved_at",
            field=models.DateTimeField(blank=True, editable=False, null=True),
        ),
        migrations.AddField(
            model_name="approval",
            name="window_from",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="approval",
            name="window_until",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="decision",
            name="parts",
            field=models.JSONField(default=dict),
        ),
        migrations.AddConstraint(
            model_name="approval",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("window_from", None), ("window_until", None)),
                    models.Q(("window_from__isnull", False), ("window_until__gt", models.F("window_from"))),
                    _connector="OR",
                ),
                name="a_window_has_two_ends",
            ),
        ),
        migrations.AddField(
            model_name="approvalstage",
            name="approval",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="stages", to="publishing.approval"
            ),
        ),
        migrations.AddField(
            model_name="decision",
            name="stage",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="decisions",
                to="publishing.approvalstage",
            ),
        ),
        migrations.AddField(
            model_name="ask",
            name="carried_from",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="carried_to",
                to="publishing.decision",
            ),
        ),
        migrations.AddField(
            model_name="ask",
            name="instead_of",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="stand_ins",
                to="publishing.ask",
            ),
        ),
        migrations.AddField(
            model_name="ask",
            name="person",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="asks", to="accounts.person"
            ),
        ),
        migrations.AddField(
            model_name="ask",
            name="stage",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="asks", to="publishing.approvalstage"
            ),
        ),
        migrations.AddField(
            model_name="decision",
            name="ask",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="decisions",
                to="publishing.ask",
            ),
        ),
        migrations.AddConstraint(
            model_name="decision",
            constraint=models.UniqueConstraint(fields=("ask",), name="one_decision_a_place"),
        ),
        migrations.AddConstraint(
            model_name="approvalstage",
            constraint=models.CheckConstraint(condition=models.Q(("needed__gte", 1)), name="a_stage_needs_somebody"),
        ),
        migrations.AddIndex(
            model_name="ask",
            index=models.Index(
                condition=models.Q(("ended_at", None)), fields=["person", "stage"], name="places_of_a_person"
            ),
        ),
        migrations.AddConstraint(
            model_name="ask",
            constraint=models.UniqueConstraint(
                condition=models.Q(("ended_at", None)), fields=("stage", "person"), name="one_place_a_person_in_a_stage"
            ),
        ),
    ]
