"""A quiet departure: known to whoever records it and to those they name, and to nobody else before its minute."""

from datetime import UTC, datetime, timedelta

import pytest
from django.core.exceptions import ValidationError
from django.urls import reverse
from django.utils import timezone

from accounts import announcing, chaining, departing, people, queries, subscribing
from accounts.models import AuditEvent, Departure, MailDelivery, Notification, Person, WebhookDelivery
from accounts.permissions import is_present
from governance import offboarding
from governance import queries as reads
from governance.models import OffboardingCase
from tests.accounts.scim.client import Directory, said
from tests.accounts.test_hearing import Personnel
from tests.factories import confirmed, erin, person, signed_in

pytestmark = pytest.mark.django_db
REASON = "between us only"


@pytest.fixture
def dana():
    return person("dana")


@pytest.fixture
def frank():
    """An administrator who is not told."""
    return person("frank", "admin")


@pytest.fixture
def grace():
    """An administrator who is."""
    return person("grace", "admin")


@pytest.fixture
def quiet(dana, frank, grace):
    return leaves(dana, grace)


def leaves(who, *confidants, days=5) -> Departure:
    at = (timezone.now() + timedelta(days=days)).astimezone(UTC).replace(tzinfo=None, second=0, microsecond=0)
    return departing.mark_departed(who, at, "UTC", erin(), REASON, quiet=True, confidants=confidants)


def comes(departure: Departure) -> None:
    Departure.objects.filter(pk=departure.pk).update(at=timezone.now() - timedelta(seconds=1))


def pages(dana: Person) -> list[str]:
    """Wherever a departure that is not quiet can be seen."""
    return [
        reverse("person", args=[dana.pk]), f"{reverse('person_list')}?who=leaving", reverse("person_list"),
        f"{reverse('person_list')}?q=dana", f"{reverse('search')}?q=dana", reverse("audit_list"),
        f"{reverse('audit_list')}?person={dana.pk}", f"{reverse('audit_list')}?action=departure.recorded",
        reverse("today"), reverse("case_list"), reverse("person_case", args=[dana.pk]), reverse("notification_list"),
        reverse("departure_new", args=[dana.pk]), reverse("mail_list"), reverse("directory_matter_list"),
        reverse("outlook"), reverse("evidence_list"), reverse("person_access", args=[dana.pk]),
    ]  # fmt: skip


def seen(who: Person, dana: Person) -> dict[str, str]:
    """What each page says, without what changes from one request to the next."""
    browser = confirmed(who)
    shown = {}
    for page in pages(dana):
        text = browser.get(page).content.decode()
        shown[page] = "\n".join(line for line in text.splitlines() if "csrf" not in line and "nonce" not in line)
    return shown


TELLS = (
    REASON,
    "Leaves",
    "leaves in",
    "recorded a departure</span>",
    "Withdraw",
    "departure/withdrawal",
    "Recorded by",
)


@pytest.mark.parametrize("role", [None, "admin", "auditor", "social_lead"])
def test_no_page_tells_of_it(quiet, dana, role):
    who = person(f"watcher {role}", *([role] if role else []))
    for page, text in seen(who, dana).items():
        for words in TELLS:
            assert words not in text, (page, words)


def test_she_herself_does_not_see_it_even_as_an_administrator(grace, frank):
    leaves(frank, grace)
    for page, text in seen(frank, frank).items():
        assert REASON not in text and "Leaves" not in text, page


def test_the_pages_that_tell_are_those_that_are_looked_at(dana, frank):
    """The control: the same departure, not quiet, is found on five of them by an administrator."""
    at = (timezone.now() + timedelta(days=5)).astimezone(UTC).replace(tzinfo=None)
    departing.mark_departed(dana, at, "UTC", erin(), REASON)
    offboarding.sweep()
    told = {page for page, text in seen(frank, dana).items() if any(words in text for words in TELLS)}
    assert len(told) >= 5, told


def test_who_recorded_it_and_who_was_named_see_it(quiet, dana, grace):
    for who in (erin(), grace):
        text = signed_in(who).get(reverse("person", args=[dana.pk])).content.decode()
        assert REASON in text and "Quiet" in text
        assert "Leaves" in signed_in(who).get(f"{reverse('person_list')}?who=leaving").content.decode()
        assert queries.trail_of(dana, who)[0].action == "departure.recorded"
    assert Notification.objects.filter(kind="departure.quiet").values_list("person", flat=True).get() == grace.pk


def test_the_trail_holds_it_all_the_same(quiet, dana, frank):
    event = AuditEvent.objects.get(action="departure.recorded")
    assert (event.actor, event.data["quiet"], event.data["reason"]) == (erin(), quiet.pk, REASON)
    assert (
        event not in queries.TrailFilter(viewer=frank).events() and event in queries.TrailFilter(viewer=erin()).events()
    )
    comes(quiet)
    assert event in queries.TrailFilter(viewer=frank).events()


def test_no_webhook_and_no_mail_tells_of_it(dana, frank, grace, settings):
    settings.PRIVATE_HOSTS = ["127.0.0.1"]
    subscribing.add_endpoint(erin(), "https://hooks.example.org/x", ["people"], "Chat")
    mails = MailDelivery.objects.count()
    leaves(dana, grace)
    people.give_role(person("bob"), "auditor", erin())  # the control: this is told
    chaining.seal()
    announcing.announce()
    actions = set(WebhookDelivery.objects.values_list("action", flat=True))
    assert "role.given" in actions and not {each for each in actions if each.startswith("departure")}
    assert MailDelivery.objects.count() == mails


def test_no_case_opens_before_its_minute_and_one_does_at_it(quiet, dana):
    offboarding.sweep()
    assert not OffboardingCase.objects.exists()
    comes(quiet)
    assert not is_present(dana)
    offboarding.sweep()
    assert OffboardingCase.objects.get().person == dana


def test_what_the_directory_reads_does_not_change_before_its_minute(dana, frank, grace):
    directory = Directory()
    before = said(directory.get(f"Users/{dana.pk}"), 200)
    quiet = leaves(dana, grace)
    assert said(directory.get(f"Users/{dana.pk}"), 200) == before
    comes(quiet)
    assert said(directory.get(f"Users/{dana.pk}"), 200)["active"] is False


def test_the_personnel_system_is_not_told_by_an_answer(quiet, dana):
    hr = Personnel()
    answer = hr.send("person.leaving", about="dana@example.test", at="2027-01-15T17:30", time_zone="UTC")
    assert answer.json()["outcome"] == "Dana leaves 2027-01-15 17:30 UTC"


def test_another_administrator_finds_nothing_to_withdraw(quiet, dana, frank):
    browser = confirmed(frank)
    withdrawal = reverse("departure_withdrawal", args=[dana.pk])
    assert browser.get(withdrawal).status_code == browser.post(withdrawal).status_code == 404
    with pytest.raises(ValidationError, match="does not stand"):
        departing.withdraw_departure(quiet, frank)
    assert Departure.objects.get().withdrawn_at is None


def test_another_administrator_who_records_one_is_not_refused_and_the_earlier_minute_counts(quiet, dana, frank):
    day = datetime.now(UTC) + timedelta(days=9)
    form = {"date": f"{day:%Y-%m-%d}", "time": "17:00", "time_zone": "UTC", "reason": "Said so"}
    answer = confirmed(frank).post(reverse("departure_new", args=[dana.pk]), form)
    assert answer.status_code == 302
    departure = Departure.objects.get()
    assert (departure.recorded_by, departure.quiet, departure.at) == (frank, False, quiet.at)
    assert REASON not in signed_in(frank).get(reverse("person", args=[dana.pk])).content.decode()


def test_one_that_was_withdrawn_stays_between_those_who_knew(quiet, dana, frank):
    departing.withdraw_departure(quiet, erin())
    assert [each.action for each in queries.trail_of(dana, erin())][:2] == ["departure.withdrawn", "departure.recorded"]
    assert not {"departure.withdrawn", "departure.recorded"} & {each.action for each in queries.trail_of(dana, frank)}


def test_the_trail_of_a_case_leaves_it_out(quiet, dana):
    earlier = OffboardingCase(person=dana, pk=0)
    assert not reads.trail(earlier).filter(action="departure.recorded").exists()
    comes(quiet)
    assert reads.trail(earlier).filter(action="departure.recorded").exists()


def test_only_administrators_who_stay_can_be_told(dana, frank):
    for confidant in (person("alice"), person("hank", "auditor")):
        with pytest.raises(ValidationError, match="Only administrators"):
            leaves(dana, confidant)
    with pytest.raises(ValidationError, match="Only administrators"):
        leaves(frank, frank)
    assert not Departure.objects.exists() and not AuditEvent.objects.filter(action="departure.recorded").exists()


def test_charlie_may_not_record_one(dana):
    at = datetime.now() + timedelta(days=3)
    with pytest.raises(Exception, match="Only somebody with the role"):
        departing.mark_departed(dana, at, "UTC", person("charlie"), quiet=True)


def test_it_is_recorded_on_the_page_with_whom_to_tell(dana, grace, frank):
    day = datetime.now(UTC) + timedelta(days=9)
    form = {"date": f"{day:%Y-%m-%d}", "time": "17:00", "time_zone": "UTC", "quiet": "on", "confidants": [grace.pk]}
    answer = confirmed(erin()).post(reverse("departure_new", args=[dana.pk]), form)
    assert answer.status_code == 302
    departure = Departure.objects.get()
    assert departure.quiet and list(departure.confidants.all()) == [grace]
