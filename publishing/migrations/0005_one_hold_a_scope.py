from django.db import migrations, models
from django.db.models import Q

# Of two equal holds the second stops nothing that the first does not. It ends, so that each can be lifted once.
LIFT_DOUBLES = """
    SET CONSTRAINTS ALL IMMEDIATE;
    UPDATE publishing_hold AS second SET lifted_at = statement_timestamp(), lifted_by_id = placed_by_id
    WHERE lifted_at IS NULL AND EXISTS (
        SELECT FROM publishing_hold AS first WHERE first.lifted_at IS NULL AND first.id < second.id
        AND first.network = second.network AND first.channel_id IS NOT DISTINCT FROM second.channel_id);
"""


class Migration(migrations.Migration):
    dependencies = [("publishing", "0004_late_answers")]
    operations = [
        migrations.RunSQL(LIFT_DOUBLES, migrations.RunSQL.noop),
        migrations.AddConstraint(
            "hold",
            models.UniqueConstraint(
                fields=["network"], condition=Q(channel=None, lifted_at=None), name="one_standing_hold_a_network"
            ),
        ),
        migrations.AddConstraint(
            "hold",
            models.UniqueConstraint(
                fields=["channel"], condition=Q(lifted_at=None), name="one_standing_hold_a_channel"
            ),
        ),
    ]
