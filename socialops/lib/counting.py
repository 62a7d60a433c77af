"""Several counts in one query."""

from django.db.models import Count, IntegerField, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce


def count_of(rows: QuerySet) -> Coalesce:
    """The number of rows, as a subquery: `Person.objects.values(posts=count_of(...), replies=count_of(...))`."""
    counted = rows.order_by().values(all_of_them=Value(1)).annotate(n=Count("*")).values("n")
    return Coalesce(Subquery(counted), 0, output_field=IntegerField())
