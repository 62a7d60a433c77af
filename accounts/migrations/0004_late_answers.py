"""What the database keeps when an acceptance comes late: it is never sent again, and a person may say that it is out."""

from django.db import migrations

from socialops.lib.delivery.rules import late_answer_rules


class Migration(migrations.Migration):
    dependencies = [("accounts", "0003_one_clock")]
    operations = [late_answer_rules("accounts_maildelivery", "accounts_mailattempt")]
