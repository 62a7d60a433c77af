"""A way of looking at the matrix of people and channels, kept under a name."""

from django.db import models


class MatrixView(models.Model):
    """What narrows it. It shows each reader what they may see, and no more."""

    person = models.ForeignKey("accounts.Person", models.PROTECT, related_name="matrix_views")
    name = models.CharField(max_length=60)
    query = models.CharField(max_length=1000, blank=True, default="")  # of its address: "level=admin&network=bluesky"
    shared = models.BooleanField(default=False)  # offered to everybody who may open the matrix
    saved_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["person", "name"], name="one_matrix_view_a_name")]

    def __str__(self):
        return self.name
