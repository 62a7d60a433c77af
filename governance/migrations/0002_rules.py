from django.db import migrations

from governance.models.offboarding_case import CASE_MOVES
from socialops.lib.sql import declared_transitions


class Migration(migrations.Migration):
    dependencies = [("governance", "0001_initial")]
    operations = [declared_transitions("governance_offboardingcase", CASE_MOVES, born={"open"})]
