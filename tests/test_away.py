"""A database that is away: the page says so, in words, and gives back what was typed."""

import psycopg2
import pytest
from django.core.exceptions import PermissionDenied
from django.db import OperationalError, connection, transaction

from socialops.outages import NO_DATABASE, NO_SPACE, outage
from tests.forms import Browser
from tests.servers import free_port

TEXT = "Two hundred words that somebody has been writing all morning."


def test_without_the_database_a_page_says_what_to_do_and_gives_back_what_was_typed(processes):
    nobody = f"postgresql://socialops@127.0.0.1:{free_port()}/socialops"
    browser = Browser(processes.web(DATABASE_URL=nobody).url)
    browser.jar["session"] = "a-session-that-cannot-be-read"

    status, page = browser.get("/calendar/")
    assert status == 503
    assert "The database cannot be reached" in page
    assert "manage.py doctor" in page
    assert 'href="/calendar/"' in page
    assert "Reference for the log" in page
    assert "Traceback" not in page

    status, page = browser.send("/posts/new/", {"title": "Winter", "text": TEXT})
    assert status == 503
    assert TEXT in page
    assert "Send it again" in page

    status, page = browser.send("/posts/new/", {"text": TEXT}, origin="https://evil.example")
    assert status == 503
    assert TEXT not in page, "a form of another site must not come back with a good token"


def raised(work) -> BaseException:
    with pytest.raises(Exception) as caught:
        work()
    return caught.value


def wrapped(error: Exception) -> Exception:
    try:
        raise OperationalError("as Django says it") from error
    except OperationalError as said:
        return said


def test_a_full_disk_of_the_database_is_told_from_a_database_that_is_away():
    nobody = raised(lambda: psycopg2.connect(host="127.0.0.1", port=free_port()))
    assert outage(wrapped(nobody)) is NO_DATABASE
    assert outage(wrapped(psycopg2.errors.DiskFull())) is NO_SPACE


@pytest.mark.django_db
@pytest.mark.parametrize(
    "statement", ["SELECT 1/0", "SET LOCAL statement_timeout = 20; SELECT pg_sleep(5)", "SELECT nothing"]
)
def test_what_is_our_own_error_stays_one(statement):
    def work():
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)

    assert outage(raised(work)) is None
    assert outage(PermissionDenied("no")) is None
    assert outage(None) is None
