"""Posts from a file: what is right becomes drafts, what is wrong says why, and the same file twice changes nothing."""

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import DatabaseError, transaction

from publishing import approving, campaigning, drafting, importing, making
from publishing.models import IMPORT_MOVES, Import, ImportRow, Post, Variant
from socialops.lib import bringing
from tests import factories
from tests.publishing.imports import LATER, brought, checked, imported, outcomes, problems, table, worked
from tests.publishing.steps import agree, ask, page, trail

ONE = ("a", "Acme", "Winter begins.", LATER.format(1))
TWO = ("b", "Acme", "Winter goes on.", LATER.format(2))


def test_a_file_is_read_checked_and_made_into_drafts(alice, acme):
    made = brought(alice, table(ONE, TWO))
    assert (made.state, made.total, made.mapping) == ("read", 2, {"key": 0, "channels": 1, "text": 2, "at": 3})
    importing.check(made, alice, made.mapping, "Europe/Berlin")
    assert worked(made).state == "checked"
    assert not Post.objects.exists()
    importing.start(made, alice)
    assert worked(made).state == "done"
    assert outcomes(made) == ["created", "created"]
    post = Post.objects.get(text="Winter begins.")
    assert (post.state, post.author) == ("draft", alice)
    assert post.wanted_at.isoformat() == "2031-06-01T07:30:00+00:00"
    assert trail(post) == ["post.created"]
    assert trail(made) == ["import.read", "import.checked", "import.started", "import.finished"]


@pytest.mark.parametrize("key", ["a", ""])
def test_the_same_file_twice_changes_nothing(alice, acme, key):
    data = table((key, *ONE[1:]), TWO)
    imported(alice, data)
    again = imported(alice, data)
    assert outcomes(again) == ["unchanged", "unchanged"]
    assert Post.objects.count() == 2
    assert trail(Post.objects.get(text="Winter begins.")) == ["post.created"]


def test_the_same_row_twice_in_one_file_is_one_post(alice, acme):
    row = ("", *ONE[1:])
    assert outcomes(imported(alice, table(row, row))) == ["created", "unchanged"]
    assert Post.objects.count() == 1


def test_a_corrected_file_changes_the_draft_of_its_key(alice, acme):
    imported(alice, table(ONE, TWO))
    again = imported(alice, table((*ONE[:2], "Winter begins late.", ONE[3]), TWO))
    assert outcomes(again) == ["changed", "unchanged"]
    assert sorted(Post.objects.values_list("text", flat=True)) == ["Winter begins late.", "Winter goes on."]


def test_what_was_changed_by_hand_stays_when_the_file_says_the_same(alice, acme):
    imported(alice, table(ONE))
    post = Post.objects.get()
    drafting.edit_post(post, alice, expected_revision=1, text="By hand.")
    assert outcomes(imported(alice, table(ONE))) == ["unchanged"]
    post.refresh_from_db()
    assert post.text == "By hand."


@pytest.mark.parametrize("far", ["in_approval", "approved"])
def test_a_post_that_others_agree_to_is_not_changed_by_a_file(alice, bob, acme, far):
    imported(alice, table(ONE))
    post = Post.objects.get()
    (agree if far == "approved" else ask)(post, alice, bob)
    again = checked(alice, table((*ONE[:2], "Another text.", ONE[3])))
    assert "so a file does not change it" in problems(again)[2]["key"]
    post.refresh_from_db()
    assert (post.state, post.text) == (far, ONE[2])


def test_a_post_approved_between_check_and_import_keeps_its_approval(alice, bob, acme):
    imported(alice, table(ONE))
    again = checked(alice, table((*ONE[:2], "Another text.", ONE[3])))
    importing.start(again, alice)
    post = agree(Post.objects.get(), alice, bob)
    worked(again)
    assert "approved" in problems(again)[2]["key"]
    post.refresh_from_db()
    assert (post.state, post.text) == ("approved", ONE[2])


def test_our_own_key_means_the_post_itself(alice, acme, post):
    row = (f"post-{post.pk}", "Acme", "Another text.", "")
    assert outcomes(imported(alice, table(row))) == ["changed"]
    post.refresh_from_db()
    assert post.text == "Another text."


def test_nobody_changes_through_a_file_what_they_may_not(alice, acme):
    other = factories.channel("sandbox", name="Elsewhere")
    olga = factories.person("olga")
    factories.grant(other, olga, "author")
    theirs = drafting.create_post(olga, [other], "Ours.")
    made = checked(alice, table((f"post-{theirs.pk}", "Acme", "Mine now.", "")))
    assert "that you may see" in problems(made)[2]["key"]


def test_somebody_elses_key_is_not_theirs(alice, dana, acme):
    factories.grant(acme, dana, "author")
    imported(alice, table(ONE))
    assert outcomes(imported(dana, table(ONE))) == ["created"]


@pytest.mark.parametrize(
    ("row", "field", "words"),
    [
        (("a", "Nowhere", "Text", ""), "channels", "no channel “Nowhere”"),
        (("a", "", "Text", ""), "channels", "at least one channel"),
        (("a", "Acme", " ", ""), "text", "empty"),
        (("a", "Acme", "x" * 501, ""), "text", "501 characters long, 500"),
        (("a", "Acme", "Text", "2031-03-30 02:30"), "at", "clocks go forward"),
        (("a", "Acme", "Text", "2031-10-26 02:30"), "at", "comes twice"),
        (("a", "Acme", "Text", "2021-01-01 09:00"), "at", "has passed"),
        (("a", "Acme", "Text", "2031-02-30 09:00"), "at", "no such day"),
        (("a", "Acme", "Text", "2031-02-29 09:00"), "at", "no such day"),
        (("a", "Acme", "Text", "2031-02-03 24:00"), "at", "no such time"),
        (("a", "Acme", "Text", "03/04/2031 09:00"), "at", "two ways"),
        (("a", "Acme", "Text", "tomorrow at nine"), "at", "no date"),
        (("k" * 201, "Acme", "Text", ""), "key", "200 are allowed"),
    ],
)
def test_a_wrong_row_says_what_is_wrong_beside_its_field(alice, acme, row, field, words):
    made = checked(alice, table(row, TWO))
    assert words in problems(made)[2][field]
    assert list(problems(made)) == [2]


@pytest.mark.parametrize(
    ("said", "instant"),
    [
        ("2031-06-01 09:30", "2031-06-01T07:30"),
        ("2031-06-01T09:30:15", "2031-06-01T07:30:15"),
        ("2031-06-01T09:30Z", "2031-06-01T09:30"),
        ("2031-10-26 02:30+01:00", "2031-10-26T01:30"),
        ("1.6.2031 9:30", "2031-06-01T07:30"),
        ("13/06/2031 9:30 PM", "2031-06-13T19:30"),
        ("06/13/2031 12 am", "2031-06-12T22:00"),
    ],
)
def test_times_are_read_as_people_write_them(alice, acme, said, instant):
    made = imported(alice, table(("a", "Acme", "Text", said)))
    assert problems(made) == {}
    assert Post.objects.get().wanted_at.isoformat().startswith(instant)


def test_date_time_and_zone_may_have_columns_of_their_own(alice, acme):
    columns = ("Kanal", "Nachricht", "Datum", "Uhrzeit", "Zeitzone")
    data = table(("Acme", "Text", "01.06.2031", "09:30", "America/New_York"), columns=columns)
    imported(alice, data)
    assert Post.objects.get().wanted_at.isoformat() == "2031-06-01T13:30:00+00:00"
    wrong = table(
        ("Acme", "Text", "01.06.2031", "", ""), ("Acme", "Text", "", "9:00", "Mars/Base"), columns=columns
    )  # fmt: skip
    assert {n: list(found) for n, found in problems(checked(alice, wrong)).items()} == {2: ["time"], 3: ["zone"]}


def test_a_channel_one_may_not_write_on_is_refused(alice, acme):
    seen = factories.channel("sandbox", name="Only to see")
    factories.grant(seen, alice, "viewer")
    made = checked(alice, table(("a", "Only to see", "Text", "")))
    assert "You may not write on Only to see" in problems(made)[2]["channels"]


def test_a_right_that_ended_after_the_check_ends_the_row(alice, acme):
    made = checked(alice, table(ONE))
    importing.start(made, alice)
    factories.departed(alice)
    worked(made)
    assert list(problems(made)) == [2]
    assert not Post.objects.exists()


def test_two_channels_of_one_name_are_told_apart_by_their_handles(alice, acme):
    from tests.publishing.steps import staffed

    twin = staffed(factories.channel("sandbox", name="Acme", handle="twin"))
    made = checked(alice, table(("a", "Acme", "Text", ""), ("b", f"sandbox:twin; {acme.pk}", "Text", "")))
    assert "can mean" in problems(made)[2]["channels"]
    importing.start(made, alice)
    worked(made)
    assert set(Variant.objects.values_list("channel", flat=True)) == {acme.pk, twin.pk}


def test_a_channel_may_have_a_text_of_its_own(alice, acme, second):
    columns = ("channels", "text", "Text on Acme France")
    data = table(("Acme, Acme France", "Hello", "Bonjour"), ("Acme", "Hello", "Salut"), columns=columns)
    made = imported(alice, data)
    texts = {v.channel_id: v.text for v in Variant.objects.all()}
    assert texts == {acme.pk: None, second.pk: "Bonjour"}
    assert "does not go to" in problems(made)[3][f"text_{second.pk}"]


def test_title_why_campaign_tags_and_link_come_with_it(alice, acme):
    spring = campaigning.create(alice, "Spring fair")
    columns = ("channel", "text", "title", "why now?", "campaign", "tags", "link")
    rows = (
        ("Acme", "Come.", "Fair", "It is near", "spring FAIR", "#Offer, lyon", "https://acme.test/fair"),
        ("Acme", "Go.", "t" * 141, "", "Autumn fair", "x" * 41, "javascript:alert(1)"),
    )
    made = imported(alice, table(*rows, columns=columns))
    post = Post.objects.get()
    assert (post.title, post.why_now, post.campaign) == ("Fair", "It is near", spring)
    assert (post.tags, post.text) == (["offer", "lyon"], "Come.\n\nhttps://acme.test/fair")
    assert set(problems(made)[3]) == {"title", "campaign", "tags", "link"}


def test_a_key_stands_for_one_row(alice, acme):
    made = checked(alice, table(ONE, ("a", "Acme", "Another", "")))
    assert problems(made) == {3: {"key": "Row 2 has this key. Give each post a key of its own."}}


def test_text_that_begins_like_a_formula_stays_text(alice, acme):
    texts = ["=HYPERLINK(1)", "+1 for all", "-5 %", "@acme", "＝1"]
    imported(alice, table(*((str(n), "Acme", text, "") for n, text in enumerate(texts))))
    assert sorted(Post.objects.values_list("text", flat=True)) == sorted(texts)


def test_another_encoding_is_chosen_where_the_guess_was_wrong(alice, acme):
    data = "channels;text\nAcme;=Größe €5\n".encode("cp1252")
    made = brought(alice, data)
    assert (made.encoding, made.delimiter) == ("cp1252", "semicolon")
    importing.read_as(made, alice, "utf-8", "semicolon")
    importing.check(made, alice, made.mapping, "UTC")
    assert "could not be read" in problems(worked(made))[2]["text"]
    importing.read_as(made, alice, "cp1252", "semicolon")
    importing.check(made, alice, made.mapping, "UTC")
    importing.start(worked(made), alice)
    worked(made)
    assert Post.objects.get().text == "=Größe €5"


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "empty"),
        (b"channels,text\n", "no row below"),
        (b"PK\x03\x04 and nothing", "cannot be read as XLSX"),
        (b"channels,text\n" + b"Acme,x\n" * 10_001, "more than 10,000 rows"),
        (b"x," * 100_000 + b"\n1\n", "200 columns"),
    ],
)
def test_what_is_no_table_of_posts_leaves_nothing_behind(alice, acme, data, words):
    with pytest.raises(ValidationError, match=words):
        brought(alice, data)
    assert not Import.objects.exists()


def test_a_mapping_without_text_or_channels_is_refused(alice, acme):
    made = brought(alice, table(("x", "y"), columns=("eins", "zwei")))
    with pytest.raises(ValidationError) as refused:
        importing.check(made, alice, {}, "UTC")
    assert set(refused.value.message_dict) == {"channels", "text"}


def test_what_columns_mean_is_remembered_for_the_same_headers(alice, bob, acme):
    columns = ("Wo", "Was")
    checked(alice, table(("Acme", "Text"), columns=columns), channels=0, text=1)
    assert brought(alice, table(("Acme", "More"), columns=columns)).mapping == {"channels": 0, "text": 1}


def test_a_row_mended_in_place_is_checked_alone_and_imported(alice, acme):
    made = imported(alice, table(ONE, ("b", "Nowhere", "Text", "")))
    assert (made.state, outcomes(made)) == ("done", ["created", ""])
    row = importing.mend(made.rows.get(number=3), alice, {"channels": "Acme"})
    assert row.problems == {}
    importing.start(made, alice)
    assert outcomes(worked(made)) == ["created", "created"]
    assert "import.row_mended" in trail(made)


def test_a_mended_row_may_still_be_wrong(alice, acme):
    made = checked(alice, table(ONE, ("b", "Nowhere", "Text", "")))
    row = importing.mend(made.rows.get(number=3), alice, {"channels": "Acme", "key": "a"})
    assert list(row.problems) == ["key"]


def test_an_imported_row_is_not_mended(alice, acme):
    made = imported(alice, table(ONE))
    with pytest.raises(ValidationError, match="Change its post"):
        importing.mend(made.rows.get(), alice, {"text": "x"})


@pytest.mark.parametrize("verb", ["check", "read_as", "start", "stop", "mend"])
@pytest.mark.parametrize("name", ["charlie", "dana", "bob"])
def test_an_import_is_its_persons_alone(alice, acme, verb, name):
    factories.grant(acme, factories.person("bob"), "author")
    made, somebody = checked(alice, table(ONE)), factories.person(name)
    with pytest.raises(PermissionDenied):
        match verb:
            case "check":
                importing.check(made, somebody, made.mapping, "UTC")
            case "read_as":
                importing.read_as(made, somebody, "utf-8", "comma")
            case "mend":
                importing.mend(made.rows.get(), somebody, {})
            case _:
                getattr(importing, verb)(made, somebody)


def test_who_may_write_nowhere_brings_no_file(charlie):
    with pytest.raises(PermissionDenied):
        importing.read(charlie, SimpleUploadedFile("x.csv", table(ONE)), "x.csv")


def test_a_stopped_import_goes_on_where_it_was(alice, acme, monkeypatch):
    made = checked(alice, table(ONE, TWO))
    importing.start(made, alice)
    write = making._write

    def stopping(row, *more):
        write(row, *more)
        importing.stop(made, alice)

    monkeypatch.setattr(making, "_write", stopping)
    assert worked(made).state == "stopped"
    monkeypatch.undo()
    assert outcomes(made) == ["created", ""]
    importing.start(made, alice)
    assert outcomes(worked(made)) == ["created", "created"]
    assert Post.objects.count() == 2


def test_a_check_that_was_stopped_goes_on_with_the_next_row(alice, acme, monkeypatch):
    monkeypatch.setattr(bringing, "BATCH", 1)
    monkeypatch.setattr(bringing, "SECONDS", -1.0)
    made = brought(alice, table(ONE, TWO))
    importing.check(made, alice, made.mapping, "UTC")
    worked(made)
    assert (made.state, made.rows.count()) == ("checking", 1)
    importing.stop(made, alice)
    importing.start(made, alice)
    monkeypatch.undo()
    assert (worked(made).state, made.rows.count()) == ("checked", 2)


def test_columns_are_fixed_once_posts_were_made(alice, acme):
    made = imported(alice, table(ONE))
    with pytest.raises(ValidationError, match="Bring it again"):
        importing.check(made, alice, made.mapping, "UTC")


def test_nothing_is_approved_or_scheduled_by_a_file(alice, acme):
    imported(alice, table(ONE))
    post = Post.objects.get()
    assert (post.state, post.approvals.count()) == ("draft", 0)


def test_the_database_keeps_the_states(alice, acme):
    made = brought(alice, table(ONE))
    for state in set(Import.State.values) - {"read"} - IMPORT_MOVES["read"]:
        with pytest.raises(DatabaseError), transaction.atomic():
            Import.objects.filter(pk=made.pk).update(state=state)
    with pytest.raises(DatabaseError), transaction.atomic():
        ImportRow.objects.create(of=made, number=2, cells=[], outcome="created")


def test_a_dry_run_asks_the_database_as_often_for_many_rows(alice, acme, django_assert_max_num_queries):
    made = brought(alice, table(*((str(n), "Acme", f"Text {n}", "") for n in range(400))))
    importing.check(made, alice, made.mapping, "UTC")
    with django_assert_max_num_queries(40):
        worked(made)


def test_the_time_of_the_file_is_offered_when_the_post_is_submitted(alice, bob, acme):
    imported(alice, table(ONE))
    said = page(factories.signed_in(alice), f"/posts/{Post.objects.get().pk}/approval/")
    assert 'value="2031-06-01T07:30"' in said


def test_approving_stays_with_people(alice, bob, acme):
    """What a file brought goes the way of every post."""
    imported(alice, table(ONE))
    post = Post.objects.get()
    approval = ask(post, alice, bob)
    approving.approve(approval, bob, approval.revision.hash)
    post.refresh_from_db()
    assert post.state == "approved"
