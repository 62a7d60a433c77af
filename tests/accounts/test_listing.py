"""Leavers from a file: each row is checked first, what is wrong says why, and the same file twice changes nothing."""

import io
from datetime import UTC, datetime, timedelta

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from openpyxl import Workbook

from accounts import listing
from accounts.models import AuditEvent, Departure, LeaverList, LeaverRow, Person
from accounts.permissions import is_present
from socialops.lib.clock import steady
from tests.accounts.scim.client import Directory
from tests.factories import confirmed, departed, erin, person, signed_in

pytestmark = pytest.mark.django_db
HEADER = "email,last day,time,time zone,name,reason"


@pytest.fixture
def dana():
    return person("dana")


def brought(*rows: str, header: str = HEADER, by: Person | None = None) -> LeaverList:
    data = "\n".join([header, *rows]).encode()
    return listing.read(by or erin(), SimpleUploadedFile("leavers.csv", data), "leavers.csv")


def problems(of: LeaverList) -> dict[int, dict[str, str]]:
    return {row.number: row.problems for row in of.rows.order_by("number") if row.problems}


def applied(of: LeaverList, what: str = "all") -> LeaverList:
    listing.apply(of, erin(), what)
    listing.work_due()
    of.refresh_from_db()
    return of


def test_a_file_is_checked_and_nothing_is_recorded_until_it_is_applied(dana):
    of = brought("DANA@example.test,2027-01-15,17:30,Europe/Berlin,Dana,Contract ends")
    assert of.state == "checked" and problems(of) == {} and not Departure.objects.exists()
    assert applied(of).state == "done"
    departure = Departure.objects.get()
    assert (departure.person, departure.recorded_by, departure.reason) == (dana, erin(), "Contract ends")
    assert departure.at == datetime(2027, 1, 15, 16, 30, tzinfo=UTC)
    event = AuditEvent.objects.get(action="leaver_list.finished")
    assert event.actor == erin() and event.data == {"left": 1, "refused": 0}


def test_a_last_day_without_a_time_ends_at_midnight_over_there(dana):
    applied(brought("dana@example.test,15.01.2027,,America/New_York,,"))
    assert Departure.objects.get().at == datetime(2027, 1, 16, 5, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("row", "field", "words"),
    [
        (",2027-01-15,,,,", "email", "missing"),
        ("nobody@example.test,2027-01-15,,,,", "email", "Nobody here has this address. Correct it"),
        ("dana@exmaple.test,2027-01-15,,,,", "email", "Do you mean dana@example.test (Dana)?"),
        ("d.smith@example.test,2027-01-15,,,Dana,", "email", "Do you mean dana@example.test (Dana)?"),
        ("d\u0430na@example.test,2027-01-15,,,,", "email", "letters of another alphabet"),
        ("erin@example.test,2027-01-15,,,,", "email", "This is you"),
        ("dana@example.test,2027-01-15,,,Bob Miller,", "name", "dana@example.test is Dana here"),
        ("dana@example.test,,,,,", "last_day", "missing"),
        ("dana@example.test,01/02/2027,,,,", "last_day", "Write the day as"),
        ("dana@example.test,2027-02-30,,,,", "last_day", "Write the day as"),
        ("dana@example.test,2020-01-15,,,,", "last_day", "That is past"),
        ("dana@example.test,2999-01-15,,,,", "last_day", "two years"),
        ("dana@example.test,2027-01-15,25:00,,,", "time", "Write the time as"),
        ("dana@example.test,2027-01-15,,Middle/Earth,,", "time_zone", "is not a time zone"),
        ("dana@example.test,2027-03-28,02:30,Europe/Berlin,,", "time", "skip it. The next time that exists is 03:30"),
        ("dana@example.test,2027-10-31,02:30,Europe/Berlin,,", "time", "comes twice"),
        ('dana@example.test,2027-01-15,,,,"never closed', "row", "never closed"),
        ("dana@example.test,2027-01-15,,,,,,,x", "row", "9 cells"),
    ],
)  # fmt: skip
def test_what_is_wrong_says_why_beside_its_field(dana, row, field, words):
    of = brought(row)
    assert list(problems(of)[2]) == [field] and words in problems(of)[2][field]
    with pytest.raises(ValidationError):
        listing.apply(of, erin(), "all")
    assert not Departure.objects.exists()


def test_one_person_under_two_names_is_found_out(dana):
    """By an address in another case, and by a second address that the directory knows."""
    mails = [{"value": "dana@example.test", "primary": True}, {"value": "d.lind@example.test", "type": "other"}]
    Directory().patch(f"Users/{dana.pk}", {"op": "replace", "path": "emails", "value": mails})
    of = brought(
        "dana@example.test,2027-01-15,,,Dana,", "Dana@Example.test,2027-01-16,,,Dana,",
        "d.lind@example.test,2027-01-15,,,Dana Lind,",
    )  # fmt: skip
    assert set(problems(of)) == {3, 4} and all(
        "Row 2 says the same of Dana" in each["email"] for each in problems(of).values()
    )


def test_the_good_ones_alone_are_applied_by_choice(dana):
    bob = person("bob")
    of = brought(
        "dana@example.test,2027-01-15,,,,", "nobody@example.test,2027-01-15,,,,", "bob@example.test,2027-01-15,,,,"
    )
    with pytest.raises(ValidationError, match="1 of its rows are wrong"):
        listing.apply(of, erin(), "all")
    applied(of, "good")
    assert set(Departure.objects.values_list("person", flat=True)) == {dana.pk, bob.pk}


def test_the_same_file_again_changes_nothing(dana):
    row = "dana@example.test,2027-01-15,17:30,UTC,,"
    applied(brought(row))
    again = brought(row)
    assert [each.plan for each in again.rows.all()] == ["nothing"]
    with pytest.raises(ValidationError, match="stands already"):
        listing.apply(again, erin(), "all")
    assert Departure.objects.count() == 1 and AuditEvent.objects.filter(action="departure.recorded").count() == 1
    page = signed_in(erin()).get(reverse("leaver_list", args=[again.pk])).content.decode()
    assert "The same file was applied" in page


def test_a_departure_at_another_time_is_not_changed_by_a_file(dana):
    departed(dana, -timedelta(days=3))
    assert "has a departure already" in problems(brought("dana@example.test,2027-01-15,,,,"))[2]["last_day"]


def test_the_last_administrator_is_found_before_and_at_the_moment(dana):
    frank, grace = person("frank", "admin"), person("grace", "admin")
    of = brought("frank@example.test,2027-01-15,,,,", "grace@example.test,2027-01-15,,,,", by=erin())
    assert problems(of) == {}
    departed(erin(), -timedelta(days=9), by=frank)  # meanwhile
    applied(of)
    assert Departure.objects.filter(person__in=(frank, grace)).count() == 1
    (refused,) = of.rows.filter(outcome="refused")
    assert "only administrator" in refused.problems["row"]


def test_what_somebody_lost_meanwhile_is_not_done_in_their_name(dana):
    frank = person("frank", "admin")
    of = listing.read(
        frank, SimpleUploadedFile("a.csv", f"{HEADER}\ndana@example.test,2027-01-15,,,,".encode()), "a.csv"
    )
    listing.apply(of, frank, "all")
    departed(frank)
    listing.work_due()
    assert is_present(dana) and not Departure.objects.filter(person=dana).exists()
    assert of.rows.get().outcome == "refused"


def test_columns_are_guessed_and_can_be_said(dana):
    of = brought("Dana,2027-01-15,dana@example.test", header="Employee,Leaving date,Work e-mail")
    assert of.mapping == {"name": 0, "last_day": 1, "email": 2} and problems(of) == {}
    odd = brought("2027-01-15,dana@example.test", header="X,Y")
    assert odd.state == "read"
    browser = confirmed(erin())
    form = {"email": "0", "last_day": "0", "zone": "UTC"}
    assert browser.post(reverse("leaver_list", args=[odd.pk]), form).status_code == 422
    assert browser.post(reverse("leaver_list", args=[odd.pk]), form | {"email": "1"}).status_code == 302
    assert [each.person for each in odd.rows.all()] == [dana]


def test_a_workbook_is_read_as_well(dana):
    book, file = Workbook(), io.BytesIO()
    book.active.append(["E-mail", "Last day"])
    book.active.append(["dana@example.test", datetime(2027, 1, 15)])
    book.save(file)
    of = listing.read(erin(), SimpleUploadedFile("a.xlsx", file.getvalue()), "a.xlsx")
    assert problems(of) == {} and of.rows.get().wall_words() == "Sat 16 Jan 2027, 00:00 UTC"


@pytest.mark.parametrize("data", [b"", b"%PDF-1.4", b"email,last day\n", b"PK\x03\x04broken"])
def test_what_is_no_table_is_refused_beside_the_field(data):
    answer = confirmed(erin()).post(reverse("leaver_list_list"), {"file": SimpleUploadedFile("a.csv", data)})
    assert answer.status_code == 422 and not LeaverList.objects.exists()


def test_charlie_may_not(dana):
    of, charlie = brought("dana@example.test,2027-01-15,,,,"), person("charlie")
    for verb in (lambda: listing.apply(of, charlie, "all"), lambda: listing.check(of, charlie, of.mapping, "UTC")):
        with pytest.raises(PermissionDenied):
            verb()
    for name, args in (("leaver_list_list", []), ("leaver_list", [of.pk]), ("leaver_list_application", [of.pk])):
        assert confirmed(charlie).post(reverse(name, args=args)).status_code == 403


def test_only_declared_states_follow_one_another(dana):
    of = brought("dana@example.test,2027-01-15,,,,")
    with pytest.raises(IntegrityError), transaction.atomic():
        LeaverList.objects.filter(pk=of.pk).update(state="done")


def test_ten_thousand_rows_are_checked_with_a_fixed_number_of_queries(dana):
    Person.objects.bulk_create(Person(name=f"P{i}", email=f"p{i}@example.test") for i in range(10_000))
    counts = []
    for many in (10, 10_000):
        rows = [f"p{i}@example.test,2027-01-15,,,," for i in range(many - 5)] + ["x@nowhere.test,2027-01-15,,,,"] * 5
        start = steady()
        with CaptureQueriesContext(connection) as queries:
            of = brought(*rows)
        counts.append(len([each for each in queries if "UPDATE" not in each["sql"] and "INSERT" not in each["sql"]]))
        print(f"\n{many} rows: {steady() - start:.1f} s, {len(queries)} queries")
    assert counts[0] == counts[1] and LeaverRow.objects.filter(of=of, plan="leave").count() == 9_995
    page = signed_in(erin())
    page.get(reverse("leaver_list", args=[of.pk]))  # what is read once a process is not the page's
    with CaptureQueriesContext(connection) as queries:
        assert page.get(reverse("leaver_list", args=[of.pk])).status_code == 200
    assert len(queries) <= 12
