"""The tests' own servers and databases, of which every other test depends."""

import pytest
from django.db import connection


@pytest.mark.django_db
def test_a_test_runs_in_a_real_postgresql_with_all_migrations():
    assert connection.pg_version >= 160000
    assert "accounts_person" in connection.introspection.table_names()
