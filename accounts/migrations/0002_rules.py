"""What the database itself keeps: the trail can be added to, and nothing else."""

from django.db import migrations

from socialops.lib.sql import append_only


class Migration(migrations.Migration):
    dependencies = [("accounts", "0001_initial")]
    operations = [
        append_only("accounts_auditevent"),
        append_only("accounts_auditseal"),
        append_only("accounts_audithead"),
    ]
