"""What the database keeps when an acceptance comes late: it is never sent again, and a person may say that it is out."""

from django.db import migrations

from socialops.lib.delivery.rules import late_answer_rules


class Migration(migrations.Migration):
    dependencies = [("publishing", "0003_moves")]
    operations = [late_answer_rules("publishing_publication", "publishing_publicationattempt")]
