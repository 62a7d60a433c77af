from django.db import models


class EvidenceBundle(models.Model):
    """An export as it was handed out: who asked, what it covers, and the digest of its manifest."""

    kind = models.CharField(max_length=30)  # "access" or "offboarding"
    scope = models.JSONField(default=dict)
    at_moment = models.DateTimeField()  # the moment the evidence speaks of
    made_by = models.ForeignKey("accounts.Person", models.PROTECT, related_name="+")
    made_at = models.DateTimeField(auto_now_add=True)
    manifest = models.JSONField()
    manifest_sha256 = models.CharField(max_length=64)
    file = models.FileField(upload_to="evidence/%Y/%m/")

    def __str__(self) -> str:
        return "Who could reach what" if self.kind == "access" else "An offboarding case"
