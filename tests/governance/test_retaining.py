"""What is kept how long: the old goes, what is under way or a record stays."""

from datetime import timedelta

import pytest
from django.conf import settings
from django.core.files.base import ContentFile
from django.utils import timezone

from accounts import issuing
from accounts.models import ApiToken, AuditEvent, MailDelivery, Scope
from accounts.notifying import send_mail
from governance import retaining
from publishing import drafting
from publishing.models import Import, ImportRow, LinkCard, PostMeasurement
from tests import factories, files
from tests.publishing.steps import agree, plan, staffed, write

WAY = ["checking", "checked", "importing", "done"]
pytestmark = pytest.mark.django_db


def ago(name: str, more: int = 1):
    return timezone.now() - timedelta(days=settings.KEPT_DAYS[name] + more)


def test_what_a_setting_names_is_what_is_purged():
    assert settings.KEPT_DAYS.keys() == retaining.PURGES.keys()
    assert set(retaining.purge().values()) == {0}


def test_mails_that_are_over_go_and_those_on_their_way_stay():
    erin = factories.erin()
    old, waits, fresh = (send_mail(erin, subject, "Words") for subject in ("old", "waits", "fresh"))
    old.attempts.create(fence=1, started_at=timezone.now(), deadline_at=timezone.now(), outcome="accepted")
    MailDelivery.objects.filter(pk__in=[old.pk, fresh.pk]).update(state="sending")
    MailDelivery.objects.filter(pk__in=[old.pk, fresh.pk]).update(state="done", settled_at=timezone.now())
    MailDelivery.objects.filter(pk__in=[old.pk, waits.pk]).update(created_at=ago("mails"))
    assert retaining.purge()["mails"] == 0, "it was settled a moment ago"
    MailDelivery.objects.filter(pk=old.pk).update(settled_at=ago("mails"))
    assert retaining.purge()["mails"] == 1
    assert set(MailDelivery.objects.values_list("subject", flat=True)) == {"waits", "fresh"}


def test_tokens_go_a_year_after_their_end_and_the_trail_names_them_still():
    alice = factories.person("alice")
    factories.user(alice)
    old, new = (issuing.issue(alice, name, [Scope.POSTS_READ], 30)[0] for name in ("Old", "New"))
    ApiToken.objects.filter(pk=old.pk).update(ended_at=ago("tokens"))
    ApiToken.objects.filter(pk=new.pk).update(ended_at=ago("tokens", -1))
    events = AuditEvent.objects.count()
    assert retaining.purge()["tokens"] == 1
    assert ApiToken.objects.get() == new and AuditEvent.objects.count() == events
    assert AuditEvent.objects.filter(action="token.made", subject_id=str(old.pk)).exists()


def test_a_reading_stays_while_a_revision_shows_it_or_it_is_the_newest(django_capture_on_commit_callbacks):
    alice, sky, link = factories.person("alice"), factories.channel("bluesky"), "https://shop.example/"
    factories.grant(sky, alice, "author")

    def read(title: str) -> LinkCard:
        row = LinkCard(url=link, title=title, asked_by=alice, asked_at=ago("readings"), read_at=ago("readings"))
        row.mime, row.sha256 = "image/jpeg", title * 8
        row.file.save("", ContentFile(files.jpeg()), save=False)
        row.save()
        return row

    shown = read("a")
    drafting.create_post(alice, [sky], f"Look: {link}")
    between, newest = read("b"), read("c")
    LinkCard.objects.filter(pk=newest.pk).update(file=shown.file.name)
    with django_capture_on_commit_callbacks(execute=True):
        assert retaining.purge()["readings"] == 1
    assert set(LinkCard.objects.all()) == {shown, newest}
    assert shown.file.storage.exists(shown.file.name) and not between.file.storage.exists(between.file.name)


def test_of_an_import_that_made_posts_the_file_goes_and_of_one_that_made_none_all(django_capture_on_commit_callbacks):
    alice, acme = factories.person("alice"), factories.channel()
    factories.grant(acme, alice, "author")
    post = drafting.create_post(alice, [acme], "A")

    def brought(state: str, made: bool, **at) -> Import:
        row = Import(
            by=alice, name=state, size=1, sha256="0" * 64, kind="csv", headers=["Text"], time_zone="UTC", total=1
        )
        row.file.save("", ContentFile(b"Text"), save=False)
        row.save()
        for each in WAY[: WAY.index(state) + 1]:
            Import.objects.filter(pk=row.pk).update(state=each)
        Import.objects.filter(pk=row.pk).update(read_at=ago("imports"), **at)
        outcome = {"post": post, "outcome": "created", "identity": "i" * 64} if made else {}
        ImportRow.objects.create(of=row, number=2, cells=["A"], **outcome)
        return row

    old = brought("done", True, started_at=ago("imports"), finished_at=ago("imports"))
    lately = brought("done", True, started_at=timezone.now(), finished_at=timezone.now())
    nothing, works = brought("checked", False), brought("checking", False)
    with django_capture_on_commit_callbacks(execute=True):
        assert retaining.purge()["imports"] == 2
    kept = {row.pk: bool(row.file) for row in Import.objects.all()}
    assert kept == {old.pk: False, lately.pk: True, works.pk: True}
    assert old.rows.get().identity == "i" * 64
    there = [old.file.storage.exists(each.file.name) for each in (old, nothing, lately, works)]
    assert there == [False, False, True, True]


def test_figures_go_and_what_they_are_of_stays():
    acme = staffed(factories.channel())
    alice, bob, dana = (factories.person(name) for name in ("alice", "bob", "dana"))
    publication = plan(agree(write(alice, [acme]), alice, bob), dana)
    for age, days in (("hour", 1), ("day", -1)):
        row = PostMeasurement.objects.create(publication=publication, age=age, likes=1)
        PostMeasurement.objects.filter(pk=row.pk).update(at=ago("measurements", days))
    assert retaining.purge()["measurements"] == 1
    assert publication.measurements.get().age == "day"


def test_one_kind_that_breaks_costs_the_others_nothing(monkeypatch):
    def broken(before):
        raise OSError("no room")

    monkeypatch.setitem(retaining.PURGES, "webhooks", (broken,))
    test_mails_that_are_over_go_and_those_on_their_way_stay()
