"""Figures for Prometheus, read from the database when asked: the same from every web process, right after a restart."""

from collections.abc import Iterator

from django.apps import apps
from django.db import DatabaseError, connection
from django.db.models import Count, Min
from django.db.models.functions import Now
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from socialops.lib.delivery.models import Delivery


class FromDatabase(Collector):
    def collect(self) -> Iterator[Metric]:
        up = GaugeMetricFamily("socialops_database_up", "1 if the database answers.")
        try:
            yield from [*_deliveries(), _connections(), _unsealed()]
            up.add_metric([], 1)
        except DatabaseError:
            up.add_metric([], 0)
        yield up


def _deliveries() -> Iterator[Metric]:
    """How many of each kind stand in each state, and how late the oldest due one is."""
    states = GaugeMetricFamily("socialops_deliveries", "Deliveries by kind and state.", labels=["kind", "state"])
    late = GaugeMetricFamily("socialops_delivery_lateness_seconds", "How late the oldest due one is.", labels=["kind"])
    for model in apps.get_models():
        if not issubclass(model, Delivery):
            continue
        kind = str(model._meta.model_name)
        rows = model._default_manager.all()
        for row in rows.order_by().values("state").annotate(count=Count("*")):
            states.add_metric([kind, row["state"]], row["count"])
        due = rows.filter(state="scheduled", next_attempt_at__lte=Now()).aggregate(oldest=Min("due_at"))["oldest"]
        late.add_metric([kind], max((_database_now() - due).total_seconds(), 0) if due else 0)
    yield states
    yield late


def _connections() -> Metric:
    from channels_registry.models import Connection

    states = GaugeMetricFamily("socialops_connections", "Connections by state.", labels=["state"])
    for row in Connection.objects.order_by().values("state").annotate(count=Count("*")):
        states.add_metric([row["state"]], row["count"])
    return states


def _unsealed() -> Metric:
    """Audit events that no seal covers yet: a few for a second, more when no worker runs."""
    gauge = GaugeMetricFamily("socialops_audit_events_unsealed", "Audit events not yet sealed.")
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM accounts_auditevent e WHERE NOT EXISTS "
            "(SELECT 1 FROM accounts_auditseal s WHERE s.event_id = e.id)"
        )
        gauge.add_metric([], cursor.fetchone()[0])
    return gauge


def _database_now():
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        return cursor.fetchone()[0]
