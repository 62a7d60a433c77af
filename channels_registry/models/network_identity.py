from django.db import models


class NetworkIdentity(models.Model):
    """Somebody or something over there. Whose it is, is decided here: by rule, or by a person in the interface."""

    network = models.CharField(max_length=40)
    remote_id = models.CharField(max_length=300)
    handle = models.CharField(max_length=200, blank=True, default="")
    name = models.CharField(max_length=200, blank=True, default="")
    person = models.ForeignKey("accounts.Person", models.SET_NULL, null=True, blank=True, related_name="identities")
    matched_by = models.CharField(max_length=20, blank=True, default="")  # "rule" or "person"
    matched_at = models.DateTimeField(null=True, blank=True)
    first_seen_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["network", "remote_id"], name="one_identity")]
