"""What people see of people, and how much of the database it takes."""

from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts import audit, chaining, departing, notifying, people
from accounts.models import AuditEvent, Departure, Notification, Person, RoleAssignment
from tests.factories import departed, erin, person, signed_in

pytestmark = pytest.mark.django_db
MOST_QUERIES = 12
audit.register("test.done", "did a test")


def text_of(who, name, *args, query=""):
    answer = signed_in(who).get(reverse(name, args=args) + query)
    assert answer.status_code == 200
    return answer.content.decode()


def crowd(size=120):
    Person.objects.bulk_create(Person(name=f"Person {n:03}", email=f"p{n}@example.test") for n in range(size))


# --- The list ---------------------------------------------------------------------------------------------------------


def test_the_list_is_found_in_by_part_of_a_name_a_title_or_a_team():
    dana, first = person("dana", login=False), erin()
    people.change_person(dana, first, title="Community manager")
    people.join_team(dana, "Night desk", first)
    person("bob")
    for words in ("dan", "community", "night desk", "dana@example"):
        page = text_of(person("charlie"), "person_list", query=f"?q={words}")
        assert ">Dana<" in page and ">Bob<" not in page
    assert "Nobody matches" in text_of(person("charlie"), "person_list", query="?q=zzz")


def test_the_list_is_paged_by_name_and_says_who_has_left():
    crowd()
    departed(person("dana"))
    alice = person("alice")
    page = text_of(alice, "person_list")
    assert "Person 000" in page and "Person 110" not in page and "Dana" not in page
    query = page.split('href="?')[1].split('"')[0].replace("&amp;", "&")
    assert "Person 050" in text_of(alice, "person_list", query=f"?{query}")
    assert "Dana" in text_of(alice, "person_list", query="?who=left")


@pytest.mark.parametrize(
    "query", ["?after=x", "?after=99999999999999999999", "?role=boss&who=what", "?after=0", "?q=%25"]
)
def test_a_broken_address_shows_a_list_all_the_same(query):
    text_of(person("alice"), "person_list", query=query)


def test_charlie_does_not_see_who_is_about_to_leave():
    departed(person("dana"), timedelta(days=-3))
    charlie, frank = person("charlie"), person("frank", "auditor")
    assert "Leaves" not in text_of(charlie, "person_list") and "leaves" not in text_of(
        charlie, "person", person("dana").pk
    )
    assert "Leaves" in text_of(frank, "person_list") and "last day" in text_of(frank, "person", person("dana").pk)
    assert "Dana" in text_of(charlie, "person_list", query="?who=leaving")  # the filter does nothing for him
    assert ">Bob<" in text_of(charlie, "person_list", query="?who=leaving") or person("bob")


def test_after_the_minute_everybody_sees_that_somebody_left_and_only_some_see_why():
    departed(person("dana"))
    page = text_of(person("charlie"), "person", person("dana", login=False).pk)
    assert "Dana left" in page and "last day" not in page


# --- Doing things -----------------------------------------------------------------------------------------------------


def test_somebody_is_added_with_role_and_invitation_in_one_click():
    answers = {
        "name": "Zoe",
        "email": "ZOE@example.test",
        "time_zone": "Europe/Paris",
        "role": "auditor",
        "invite": "on",
    }
    answer = signed_in(erin()).post(reverse("person_new"), answers)
    zoe = Person.objects.get(email="zoe@example.test")
    assert answer.url == reverse("person", args=[zoe.pk])
    assert zoe.roles.get().role == "auditor" and zoe.invitations.count() == 1


def test_an_address_that_is_taken_is_said_beside_the_field_and_nothing_is_lost():
    answers = {"name": "Zoe", "email": person("bob").email, "time_zone": "UTC", "role": "auditor", "title": "Typed"}
    answer = signed_in(erin()).post(reverse("person_new"), answers)
    page = answer.content.decode()
    assert answer.status_code == 422 and "belongs to somebody who is here already" in page and 'value="Typed"' in page
    assert not Person.objects.filter(name="Zoe").exists()


def test_a_departure_is_recorded_and_withdrawn_on_its_pages():
    dana, browser = person("dana"), signed_in(erin())
    day = (timezone.now() + timedelta(days=4)).date()
    answer = browser.post(
        reverse("departure_new", args=[dana.pk]),
        {"date": day.isoformat(), "time": "17:30", "time_zone": "Europe/Berlin", "reason": "new job"},
    )
    departure = Departure.objects.get(person=dana)
    assert answer.url == reverse("person", args=[dana.pk])
    assert (departure.wall_time.hour, departure.time_zone, departure.reason) == (17, "Europe/Berlin", "new job")
    page = browser.get(answer.url).content.decode()
    assert "Dana leaves" in page and "Record a departure" not in page
    browser.post(reverse("departure_withdrawal", args=[dana.pk]))
    departure.refresh_from_db()
    assert departure.withdrawn_by == erin()


def test_a_time_that_the_clocks_skip_is_said_beside_the_date_and_what_was_typed_stays():
    answer = signed_in(erin()).post(
        reverse("departure_new", args=[person("dana").pk]),
        {"date": "2027-03-28", "time": "02:30", "time_zone": "Europe/Berlin", "reason": "typed"},
    )
    page = answer.content.decode()
    assert answer.status_code == 422 and "28 March, 03:30" in page and 'value="typed"' in page


@pytest.mark.parametrize(
    "answers", [{}, {"date": "x", "time": "25:00", "time_zone": "Mars/North", "reason": "y" * 300}]
)
def test_nonsense_is_said_field_by_field(answers):
    answer = signed_in(erin()).post(reverse("departure_new", args=[person("dana").pk]), answers)
    assert answer.status_code == 422 and not Departure.objects.exists()


def test_charlie_may_do_none_of_it():
    dana, browser = person("dana"), signed_in(person("charlie"))
    for name, args, data in [
        ("person_new", [], {"name": "Zoe", "email": "zoe@example.test", "time_zone": "UTC"}),
        ("departure_new", [dana.pk], {"date": "2027-01-01", "time": "10:00", "time_zone": "UTC"}),
        ("person_roles", [dana.pk], {"role": "admin"}),
        ("role_ending", [erin().pk, "admin"], {}),
        ("person_teams", [dana.pk], {"team": "X"}),
        ("invitation_new", [dana.pk], {}),
    ]:
        assert browser.post(reverse(name, args=args), data).status_code == 403, name
    assert not Departure.objects.exists() and RoleAssignment.objects.count() == 1
    assert "Record a departure" not in browser.get(reverse("person", args=[dana.pk])).content.decode()


def test_fields_that_are_not_asked_for_are_not_taken():
    charlie = person("charlie")
    signed_in(charlie).post(reverse("settings"), {"time_zone": "Asia/Tokyo", "email": "x@example.test", "name": "Boss"})
    charlie.refresh_from_db()
    assert (charlie.time_zone, charlie.email, charlie.name) == ("Asia/Tokyo", "charlie@example.test", "Charlie")


def test_what_people_write_about_themselves_is_text_and_nothing_more():
    people.change_person(person("dana"), erin(), name="<script>alert(1)</script>", title='"><img src=x>')
    for page in (text_of(erin(), "person", person("dana").pk), text_of(erin(), "audit_list")):
        assert "<script>alert" not in page and "<img src=x" not in page


def test_nobody_reads_another_s_notifications():
    told = notifying.notify(person("bob"), "approval", "Approve the winter post", "/approvals/1/")
    assert "winter post" in text_of(person("bob"), "notification_list")
    assert "winter post" not in text_of(person("charlie"), "notification_list")
    signed_in(person("charlie")).post(reverse("notification_reading"), {"pk": told.pk})
    assert Notification.objects.get(pk=told.pk).read_at is None
    signed_in(person("bob")).post(reverse("notification_reading"), {"pk": told.pk})
    assert Notification.objects.get(pk=told.pk).read_at


# --- The trail --------------------------------------------------------------------------------------------------------


def test_the_trail_is_for_administrators_and_auditors():
    assert signed_in(person("charlie", "social_lead")).get(reverse("audit_list")).status_code == 403
    assert "added a person" in text_of(person("frank", "auditor"), "audit_list")


def test_the_trail_is_narrowed_by_action_person_and_day_and_paged():
    first, dana = erin(), person("dana", login=False)
    with transaction.atomic():
        audit.record_many([(first, "test.done", first, {"n": n}) for n in range(60)])
    frank = person("frank", "auditor")
    page = text_of(frank, "audit_list", query="?action=test.done")
    assert page.count("did a test</td>") == 50
    query = page.split('href="?')[1].split('"')[0].replace("&amp;", "&")
    assert text_of(frank, "audit_list", query=f"?{query}").count("did a test</td>") == 10
    page = text_of(frank, "audit_list", query=f"?person={dana.pk}")
    assert ">Dana<" in page and "did a test</td>" not in page
    assert "Nothing matches" in text_of(frank, "audit_list", query="?last=2020-01-01")
    assert "did a test</td>" in text_of(frank, "audit_list", query=f"?first={timezone.now().date()}")


def test_a_filter_that_cannot_be_read_is_said_and_left_out():
    page = text_of(erin(), "audit_list", query="?first=yesterday&before=x&action=nothing")
    assert "Enter a valid date" in page and "added a person" in page


def test_a_day_of_the_trail_is_the_reader_s_day():
    tokyo = person("frank", "auditor", time_zone="Asia/Tokyo")
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE accounts_auditevent DISABLE TRIGGER ALL")
    AuditEvent.objects.update(at="2026-03-01T16:00:00Z")
    assert "Nothing matches" not in text_of(tokyo, "audit_list", query="?first=2026-03-02&last=2026-03-02")
    assert "Nothing matches" in text_of(tokyo, "audit_list", query="?first=2026-03-01&last=2026-03-01")


# --- How much it takes ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["person_list", "person", "notification_list", "audit_list", "settings", "mail_list",
                                  "person_new", "departure_new", "departure_withdrawal"])  # fmt: skip
def test_a_page_takes_at_most_twelve_queries(name):
    crowd()
    dana, first = person("dana", "auditor", "social_lead"), erin()
    people.join_team(dana, "Night desk", first)
    departing.mark_departed(dana, (timezone.now() + timedelta(days=3)).replace(tzinfo=None), "UTC", first)
    for n in range(60):
        notifying.notify(first, "approval", f"Approve {n}", "/")
    chaining.seal()
    args = [dana.pk] if name in ("person", "departure_new", "departure_withdrawal") else []
    browser = signed_in(first)
    browser.get(reverse("settings"))  # the first request of a session notes when it was seen
    with CaptureQueriesContext(connection) as taken:
        assert browser.get(reverse(name, args=args)).status_code == 200
    sql = [query["sql"] for query in taken.captured_queries if "SAVEPOINT" not in query["sql"]]
    assert len(sql) <= MOST_QUERIES, "\n".join(sql)
