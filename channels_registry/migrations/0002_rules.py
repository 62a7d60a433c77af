"""What the database itself keeps: declared moves, and no two periods of one grant that overlap."""

from django.contrib.postgres.operations import BtreeGistExtension
from django.db import migrations

from channels_registry.models.connection import MOVES
from channels_registry.models.revocation import REVOCATION_BORN, REVOCATION_MOVES, STAGE_MOVES
from socialops.lib.delivery.rules import delivery_rules
from socialops.lib.sql import declared_transitions

PERIOD = "tstzrange(starts_at, LEAST(revoked_at, expires_at))"


class Migration(migrations.Migration):
    dependencies = [("channels_registry", "0001_initial")]
    operations = [
        BtreeGistExtension(),
        migrations.RunSQL(
            f"""
            ALTER TABLE channels_registry_accessgrant ADD CONSTRAINT periods_of_one_grant_never_overlap
                EXCLUDE USING gist (
                    channel_id WITH =, door WITH =, entitlement WITH =, source WITH =, label WITH =, remote_id WITH =,
                    (COALESCE(person_id, 0)) WITH =, (COALESCE(identity_id, 0)) WITH =, {PERIOD} WITH &&);
            ALTER TABLE channels_registry_accessgrant ADD CONSTRAINT one_period_of_an_observed_door_at_a_time
                EXCLUDE USING gist (channel_id WITH =, door WITH =, remote_id WITH =, {PERIOD} WITH &&)
                WHERE (source = 'observed');
            """,
            """
            ALTER TABLE channels_registry_accessgrant DROP CONSTRAINT periods_of_one_grant_never_overlap;
            ALTER TABLE channels_registry_accessgrant DROP CONSTRAINT one_period_of_an_observed_door_at_a_time;
            """,
        ),
        declared_transitions("channels_registry_connection", MOVES, born={"pending"}),
        declared_transitions(
            "channels_registry_revocation", STAGE_MOVES, born={"pending", "in_hand", "verified"}, column="stage"
        ),
        *delivery_rules(
            "channels_registry_revocation",
            "channels_registry_revocationattempt",
            moves=REVOCATION_MOVES,
            born=REVOCATION_BORN,
        ),
    ]
