"""What the database itself keeps: the trail can be added to, and nothing else."""

from django.db import migrations

from socialops.lib.delivery.rules import delivery_rules
from socialops.lib.sql import append_only


class Migration(migrations.Migration):
    dependencies = [("accounts", "0001_initial")]
    operations = [
        append_only("accounts_auditevent"),
        append_only("accounts_auditseal"),
        append_only("accounts_audithead"),
        *delivery_rules("accounts_maildelivery", "accounts_mailattempt"),
        migrations.RunSQL(
            # Django's cache table: counts of failed logins.
            """
            CREATE TABLE accounts_cache (
                cache_key varchar(255) PRIMARY KEY, value text NOT NULL, expires timestamptz NOT NULL
            );
            CREATE INDEX accounts_cache_expires ON accounts_cache (expires);
            """,
            "DROP TABLE accounts_cache",
        ),
    ]
