"""A closed case opens again when a door of the leaver is found."""

from django.db import migrations

from governance.models.offboarding_case import CASE_MOVES
from socialops.lib.sql import transitions_function


class Migration(migrations.Migration):
    dependencies = [("governance", "0002_rules")]
    operations = [
        migrations.RunSQL(
            transitions_function("governance_offboardingcase", CASE_MOVES, born={"open"}), migrations.RunSQL.noop
        )
    ]
