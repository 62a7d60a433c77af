"""What was done, by whom, in the transaction that did it. Append-only in the database (migration 0002_rules)."""

from django.contrib.postgres.functions import RandomUUID
from django.db import models


class AuditEvent(models.Model):
    """`action` is registered in accounts.audit; labels are snapshots, so that the trail outlives what it names."""

    at = models.DateTimeField(db_index=True)
    actor = models.ForeignKey(
        "accounts.Person", models.DO_NOTHING, null=True, db_constraint=False, related_name="audit_events"
    )
    actor_label = models.CharField(max_length=160)
    action = models.CharField(max_length=60, db_index=True)
    subject_type = models.CharField(max_length=40)
    subject_id = models.CharField(max_length=40)
    subject_label = models.CharField(max_length=200)
    data = models.JSONField(default=dict)
    click = models.CharField(max_length=40, blank=True, default="")  # one id for all events of one request or task
    salt = models.UUIDField(
        null=True, db_default=RandomUUID()
    )  # keys the commitments to labels and data; goes with them

    class Meta:
        indexes = [models.Index(fields=["subject_type", "subject_id"], name="audit_subject")]


class AuditSeal(models.Model):
    """The chain: each seal hashes the canonical event and the seal before it. Written by one sealer."""

    seq = models.BigIntegerField(primary_key=True)
    event = models.OneToOneField(AuditEvent, models.DO_NOTHING, db_constraint=False, related_name="seal")
    previous_hash = models.CharField(max_length=64)
    hash = models.CharField(max_length=64)
    sealed_at = models.DateTimeField()
    version = models.PositiveSmallIntegerField(default=1)  # of how the event is hashed (accounts/verifying.py)


class AuditRedaction(models.Model):
    """What was erased from an event: the commitments that stay in place of the values, so that its hash stays true."""

    event = models.OneToOneField(
        AuditEvent, models.DO_NOTHING, primary_key=True, db_constraint=False, related_name="redaction"
    )
    by = models.ForeignKey(
        AuditEvent, models.DO_NOTHING, db_constraint=False, related_name="+"
    )  # the event that says so
    fields = models.JSONField()  # path: commitment
    keys = models.JSONField()  # path: the key of what was left
    was = models.CharField(max_length=64, blank=True, default="")  # its digest, where it was hashed whole (version 1)


class AuditHead(models.Model):
    """A signed head of the chain. Copies of it leave the database, so that a cut or rewritten chain shows."""

    seq = models.BigIntegerField(unique=True)
    hash = models.CharField(max_length=64)
    since = models.BigIntegerField()  # the seq of the head before this one
    rows_hash = models.CharField(max_length=64)  # of the (seq, event, digest) after `since`, which are in the file
    at = models.DateTimeField()
    signature = models.TextField()
    key_id = models.CharField(max_length=40)
