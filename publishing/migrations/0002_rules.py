"""What the database itself keeps: the moves of a publication, and that nothing is sent twice."""

from django.db import migrations

from socialops.lib.delivery.rules import delivery_rules


class Migration(migrations.Migration):
    dependencies = [("publishing", "0001_initial")]
    operations = [
        *delivery_rules("publishing_publication", "publishing_publicationattempt", indexed=("due", "leases")),
    ]
