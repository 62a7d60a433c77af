from django.db import models


class NetworkIdentity(models.Model):
    """Somebody or something over there. Whose it is, is decided here: by rule, or by a person in the interface.

    An app password names nobody, so it is an identity of its channel and label: `remote_id` then begins "channel/".
    """

    class MatchedBy(models.TextChoices):
        NOT_YET = "", "Not decided"
        RULE = "rule", "By rule"
        PERSON = "person", "By a person"
        NOBODY = "nobody", "Decided: not a person"

    network = models.CharField(max_length=40)
    remote_id = models.CharField(max_length=300)
    handle = models.CharField(max_length=200, blank=True, default="")
    name = models.CharField(max_length=200, blank=True, default="")
    person = models.ForeignKey("accounts.Person", models.SET_NULL, null=True, blank=True, related_name="identities")
    matched_by = models.CharField(max_length=20, choices=MatchedBy.choices, blank=True, default="")
    matched_at = models.DateTimeField(null=True, blank=True)
    decided_by = models.ForeignKey("accounts.Person", models.PROTECT, null=True, blank=True, related_name="+")
    why = models.CharField(max_length=200, blank=True, default="")  # the rule that matched, in plain words
    candidates = models.JSONField(default=list)  # ids of people whom a rule suggests, where it may not decide
    first_seen_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["network", "remote_id"], name="one_identity")]

    def __str__(self):
        return self.handle or self.name or self.remote_id
