"""Channels and their people from a file: what is right is entered, what is wrong says why, and the same file twice
changes nothing. What is exported comes back as it was.
"""

import io
import zipfile
from datetime import date

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.models import AuditEvent, Person
from channels_registry import access, exporting, importing, making
from channels_registry.models import AccessGrant, Channel, ChannelImport
from channels_registry.permissions import may
from channels_registry.registering import register_channel
from socialops.lib import bringing
from tests import factories
from tests.channels_registry.files import COLUMNS, brought, checked, imported, outcomes, plans, problems, table, worked

pytestmark = pytest.mark.django_db
ONE = ("Sandbox", "@acme", "Acme", "gina@example.test")
TWO = ("sandbox", "acme-oslo", "Acme Oslo", "Gina <gina@example.test>")


@pytest.fixture
def erin():
    factories.person("gina")
    return factories.erin()


def said(erin, *row, columns=COLUMNS, **more) -> dict[str, str]:
    """What is wrong with this one row."""
    return problems(checked(erin, table(row, columns=columns), **more)).get(2, {})


def test_a_file_is_read_checked_and_entered(erin):
    made = brought(erin, table(ONE, TWO))
    assert (made.state, made.total, made.mapping) == ("read", 2, {"network": 0, "handle": 1, "name": 2, "owner": 3})
    importing.check(made, erin, made.mapping)
    assert (worked(made).state, plans(made)) == ("checked", ["create", "create"])
    assert not Channel.objects.exists()
    importing.start(made, erin)
    assert (worked(made).state, outcomes(made)) == ("done", ["created", "created"])
    acme = Channel.objects.get(handle="@acme")
    assert (acme.network, acme.name, acme.owner.name, acme.state) == ("sandbox", "Acme", "Gina", "live")
    assert may(acme.owner, "manage", acme)
    events = AuditEvent.objects.filter(action__startswith="channel_import").order_by("pk")
    assert [each.action.partition(".")[2] for each in events] == ["read", "checked", "started", "finished"]


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_the_same_file_twice_changes_nothing(erin, kind):
    data = table(ONE, TWO, kind=kind)
    imported(erin, data)
    events = AuditEvent.objects.exclude(action__startswith="channel_import").count()
    again = imported(erin, data)
    assert (plans(again), outcomes(again)) == (["nothing", "nothing"], ["unchanged", "unchanged"])
    assert AuditEvent.objects.exclude(action__startswith="channel_import").count() == events


@pytest.mark.parametrize(
    "handle", ["acme", "@Acme", "ACME", "https://sandbox.example/acme", "https://sandbox.example/@Acme/"]
)
def test_a_handle_in_other_letters_or_as_an_address_is_the_same_channel(erin, handle):
    imported(erin, table(ONE))
    assert outcomes(imported(erin, table(("sandbox", handle, "Acme", "gina@example.test")))) == ["unchanged"]
    assert problems(checked(erin, table(ONE, ("sandbox", handle, "Acme", "gina@example.test")))) == {
        3: {"handle": "Row 2 is this channel already. Keep one of the two."}
    }


def test_an_address_on_a_server_of_many_names_the_server(erin):
    imported(erin, table(("mastodon", "https://social.example/@acme", "Acme", "gina@example.test")))
    assert Channel.objects.get().handle == "acme@social.example"


@pytest.mark.parametrize(
    ("row", "field", "words"),
    [
        (
            ("MySpace", "acme", "", "gina@example.test"),
            "network",
            "“MySpace” is not a network Socialops knows. Use one",
        ),
        (("", "acme", "", "gina@example.test"), "network", "Say on which network"),
        (("sandbox", "", "", "gina@example.test"), "handle", "Say which account"),
        (("sandbox", "the acme", "", "gina@example.test"), "handle", "no spaces"),
        (("sandbox", "=A1", "", "gina@example.test"), "handle", "no formula"),
        (("sandbox", "https://sandbox.example/", "", "gina@example.test"), "handle", "names no account"),
        (("sandbox", "acmе", "", "gina@example.test"), "handle", "Letters of two alphabets"),
        (("sandbox", "acme", '=HYPERLINK("x")', "gina@example.test"), "name", "formula"),
        (("sandbox", "acme", "=B2&C2", "gina@example.test"), "name", "formula"),
        (("sandbox", "acme", "Acme", ""), "owner", "Say who owns it"),
        (("sandbox", "acme", "Acme", "gina"), "owner", "not an e-mail address"),
        (("sandbox", "acme", "Acme", "nobody@example.test"), "owner", "Nobody here has the address"),
        (("sandbox", "acme", "Acme", "ginа@example.test"), "owner", "looks like gina@example.test"),
        (("sandbox", "acme", "Acme", "gina+x@example.test"), "owner", "reaches the same person as gina@example.test"),
        (("sandbox", "acme", "Acme", "Ginevra <gina@example.test>"), "owner", "is Gina here, and Ginevra"),
        (("sandbox", "acme", "Acme", "gina@example.test; erin@example.test"), "owner", "Name one person"),
        (("sandbox", "acme", "x" * 121, "gina@example.test"), "name", "120"),
        (("sandbox", "acme", "Ac\ufffdme", "gina@example.test"), "name", "could not be read"),
    ],
)
def test_what_is_wrong_with_a_row_stands_beside_its_field(erin, row, field, words):
    assert words in said(erin, *row)[field]


@pytest.mark.parametrize(
    ("column", "cell", "words"),
    [
        ("followers", "12.5", "not a number"),
        ("followers", "many", "not a number"),
        ("regulated", "perhaps", "neither yes nor no"),
        ("verified since", "31.02.2026", "not a day"),
        ("kind", "robot", "Use one of"),
        ("state", "archived", "enters the register as"),
        ("time zone", "Mars/Olympus", "no such time zone"),
        ("url", "javascript:alert(1)", "begins with https"),
        ("backup", "gina@example.test", "cannot be the backup"),
        ("verified since", "2026-01-01", "not said to be verified"),
        ("managers", "Erin <erin@example.test>", "Nobody gives access to themselves"),
    ],
)
def test_a_value_that_does_not_fit_is_an_error_of_its_row(erin, column, cell, words):
    found = said(erin, *ONE, cell, columns=(*COLUMNS, column))
    assert words in " ".join(found.values()), found
    assert not Channel.objects.exists()


def test_values_are_taken_as_people_write_them(erin):
    columns = (*COLUMNS, "Followers", "regulated", "Verified", "verified since", "voice", "Status")
    imported(erin, table((*ONE, "84,112", "Ja", "yes", "20.11.2025", "Customer care", "dormant"), columns=columns))
    acme = Channel.objects.get()
    assert (acme.audience_size, acme.regulated, acme.verification) == (84_112, True, "yes")
    assert (acme.verified_since, acme.kind, acme.state) == (date(2025, 11, 20), "care", "dormant")


def test_a_person_under_two_names_is_an_error_of_the_row_that_says_so(erin):
    rows = [(*ONE[:3], "Ana Lima <ana@example.test>"), (*TWO[:3], "Anna Lyma <ANA@example.test>")]
    found = problems(checked(erin, table(*rows), make_people=True))
    assert found == {3: {"owner": "ana@example.test is Ana Lima in row 2, and Anna Lyma in this one. Write one name."}}


def test_people_are_made_only_if_that_is_said_and_once_each(erin):
    rows = [(*ONE[:3], "Ana Lima <Ana@Example.test>"), (*TWO[:3], "ana@example.test")]
    assert set(problems(checked(erin, table(*rows)))) == {2, 3}
    assert not Person.objects.filter(email="ana@example.test").exists()
    assert outcomes(imported(erin, table(*rows), make_people=True)) == ["created", "created"]
    ana = Person.objects.get(email="ana@example.test")
    assert ana.name == "Ana Lima" and {each.owner for each in Channel.objects.all()} == {ana}
    assert AuditEvent.objects.get(action="person.added", data__email=ana.email).actor == erin


def test_who_has_left_owns_nothing_new_and_gets_nothing(erin):
    factories.departed(factories.person("dana"))
    assert "has left" in said(erin, *ONE[:3], "dana@example.test")["owner"]
    found = said(erin, *ONE, "dana@example.test", columns=(*COLUMNS, "authors"))
    assert "has left" in found["author"]


def test_a_look_alike_of_a_registered_handle_or_of_another_row_is_refused(erin):
    register_channel("sandbox", "acmé", "Acme", erin)
    assert (
        "looks like acmé, which is registered" in said(erin, "sandbox", "acme", "Acme", "gina@example.test")["handle"]
    )
    rows = [("sandbox", "fernhill", "A", "gina@example.test"), ("sandbox", "férnhill", "B", "gina@example.test")]
    assert "looks like fernhill in row 2" in problems(checked(erin, table(*rows)))[3]["handle"]


def test_rights_are_given_by_who_imports_and_never_taken_away(erin):
    alice, bob = factories.person("alice"), factories.person("bob")
    columns = (*COLUMNS, "Authors", "can publish")
    imported(erin, table((*ONE, "Alice <alice@example.test>; BOB@example.test", "alice@example.test"), columns=columns))
    acme = Channel.objects.get()
    assert may(alice, "publish", acme) and may(bob, "draft", acme) and not may(bob, "publish", acme)
    grant = AccessGrant.objects.get(person=bob)
    assert (grant.granted_by, grant.entitlement, grant.reason) == (erin, "author", "Imported from channels.csv")
    again = imported(erin, table((*ONE, "alice@example.test", ""), columns=columns))
    assert outcomes(again) == ["unchanged"]
    assert may(bob, "draft", acme)


def test_a_corrected_file_changes_what_it_says_and_an_empty_cell_says_nothing(erin):
    columns = (*COLUMNS, "brand", "region")
    imported(erin, table((*ONE, "Acme", "Norway"), columns=columns))
    assert outcomes(imported(erin, table((*ONE, "", "Sweden"), columns=columns))) == ["changed"]
    assert (Channel.objects.get().brand, Channel.objects.get().region) == ("Acme", "Sweden")
    assert AuditEvent.objects.get(action="channel.changed").data["changed"] == {"region": ["Norway", "Sweden"]}


def test_a_file_does_not_change_the_state_of_a_channel_that_is_here(erin):
    imported(erin, table(ONE))
    assert "It is live here" in said(erin, *ONE, "lost", columns=(*COLUMNS, "state"))["state"]


def test_a_row_is_mended_and_imported_alone(erin):
    made = imported(erin, table(ONE, ("sandbox", "acme-oslo", "Acme Oslo", "nobody@example.test")))
    assert outcomes(made) == ["created", ""]
    row = made.rows.get(number=3)
    cells = {"network": "sandbox", "handle": "acme-oslo", "name": "Acme Oslo", "owner": "gina@example.test"}
    assert importing.mend(row, erin, cells).problems == {}
    importing.start(made, erin)
    assert outcomes(worked(made)) == ["created", "created"]
    with pytest.raises(ValidationError, match="is imported"):
        importing.mend(made.rows.get(number=2), erin, cells)


def test_the_rows_to_mend_are_taken_out_mended_in_a_spreadsheet_and_brought_back(erin):
    made = checked(erin, table(ONE, ("sandbox", "acme-oslo", "Acme Oslo", "gina")))
    browser = factories.signed_in(erin)
    data = b"".join(browser.get(reverse("channel_import_errors", args=[made.pk])).streaming_content).decode()
    assert "acme-oslo" in data and "@acme," not in data and "Owner: “gina” is not an e-mail address" in data
    mended = imported(erin, data.replace(",gina,", ",gina@example.test,").encode())
    assert outcomes(mended) == ["created"]


def test_an_import_that_was_stopped_goes_on_with_the_next_row(erin, monkeypatch):
    made = checked(erin, table(ONE, TWO))
    importing.start(made, erin)
    real = making._write

    def stopping(*args):
        real(*args)
        importing.stop(made, erin)

    monkeypatch.setattr(making, "_write", stopping)
    assert worked(made).state == "stopped"
    monkeypatch.undo()
    assert outcomes(made) == ["created", ""]
    importing.start(made, erin)
    assert outcomes(worked(made)) == ["created", "created"]


def test_what_changed_meanwhile_is_read_again_before_a_row_is_entered(erin):
    made = checked(erin, table(ONE))
    assert plans(made) == ["create"]
    register_channel("sandbox", "ACME", "Taken", erin)
    importing.start(made, erin)
    assert outcomes(worked(made)) == ["changed"]
    assert Channel.objects.get().name == "Acme"


def test_only_administrators_import_and_only_their_own_files(erin):
    made = brought(erin, table(ONE))
    for who in ("charlie", "gina"):
        with pytest.raises(PermissionDenied):
            brought(factories.person(who), table(ONE))
    ines = factories.person("ines", "admin")
    with pytest.raises(PermissionDenied, match="Bring your own"):
        importing.check(made, ines, made.mapping)
    assert factories.signed_in(ines).get(reverse("channel_import", args=[made.pk])).status_code == 404


def test_what_is_no_table_is_refused_before_anything_is_kept(erin):
    bomb = io.BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as parts:
        parts.writestr("[Content_Types].xml", "<Types/>")
        parts.writestr("xl/worksheets/sheet1.xml", b"<worksheet>" + b" " * 120_000_000)
    many = table(*(("sandbox", f"acme{n}", "", "") for n in range(10_001)))
    for data, words in [
        (bomb.getvalue(), "unpacks to more"),
        (many, "more than 10,000 rows"),
        (b"%PDF-1.7", "not a table"),
    ]:
        with pytest.raises(ValidationError, match=words):
            brought(erin, data)
    assert not ChannelImport.objects.exists()


@pytest.mark.parametrize("encoding", ["utf-8", "cp1252", "utf-16"])
def test_other_encodings_are_read_and_a_wrong_one_is_seen(erin, encoding):
    text = "network;handle;name;owner\nsandbox;acme;Café Zürich;gina@example.test\n"
    made = checked(erin, text.encode(encoding))
    assert made.encoding.startswith(encoding) and problems(made) == {}
    imported(erin, text.encode(encoding))
    assert Channel.objects.get().name == "Café Zürich"
    if encoding == "cp1252":
        wrong = brought(erin, text.encode(encoding))
        importing.read_as(wrong, erin, "utf-8", "semicolon")
        importing.check(wrong, erin, wrong.mapping)
        assert "could not be read" in problems(worked(wrong))[2]["name"]


def test_ten_thousand_rows_are_checked_with_few_queries_a_batch(erin, monkeypatch):
    monkeypatch.setattr(bringing, "BATCH", 50)
    few, many = (
        [("sandbox", f"acme{n}", f"Acme {n}", "gina@example.test") for n in range(count)] for count in (50, 100)
    )
    asked = []
    for rows in (few, many):
        made = brought(erin, table(*rows))
        importing.check(made, erin, made.mapping)
        with CaptureQueriesContext(
            connection,
        ) as caught:
            worked(made)
        asked.append(len(caught))
    assert asked[1] - asked[0] <= 15  # of one batch more


words = st.text(st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="\ufffd"), max_size=40)
channels = st.fixed_dictionaries(
    {
        "name": words.filter(str.strip), "purpose": words, "brand": words, "region": words, "legal_entity": words,
        "closing_procedure": st.lists(words, max_size=3).map("\n".join),
        "language": st.sampled_from(["", "en", "pt-BR"]), "kind": st.sampled_from(["brand", "care", "executive"]),
        "audience_size": st.none() | st.integers(0, 2_147_483_647), "regulated": st.booleans(),
        "crisis_voice": st.booleans(), "verification": st.sampled_from(["yes", "no", "unknown"]),
        "state": st.sampled_from(["live", "dormant", "lost"]), "url": st.sampled_from(["", "https://example.test/a?b=c"]),
    }
)  # fmt: skip


@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(channels, min_size=1, max_size=4), st.sampled_from(["csv", "xlsx"]))
def test_what_is_exported_comes_back_without_a_change(erin, made, kind):
    Channel.objects.all().delete() if not AccessGrant.objects.exists() else None
    owner, alice = factories.person("gina"), factories.person("alice")
    start = Channel.objects.count()
    for number, values in enumerate(made):
        network = ["sandbox", "mastodon", "bluesky"][number % 3]
        entered = register_channel(network, f"@h{start + number}.example", by=erin, owner=owner, **values)
        access.grant(entered, alice, ["author", "responder"][number % 2], erin, "works on it")
    before = list(Channel.objects.order_by("pk").values())
    events = AuditEvent.objects.exclude(action__startswith="channel").count()
    file = io.BytesIO()
    if kind == "csv":
        file.write(b"".join(exporting.write_csv(Channel.objects.all(), erin)))
    else:
        exporting.write_xlsx(Channel.objects.all(), erin, file)
    again = imported(erin, file.getvalue())
    assert problems(again) == {} and set(outcomes(again)) == {"unchanged"}
    assert list(Channel.objects.order_by("pk").values()) == before
    assert AuditEvent.objects.exclude(action__startswith="channel").count() == events


def test_an_export_elsewhere_makes_the_same_channels_people_and_rights(erin):
    bob = factories.person("bob")
    acme = register_channel(
        "sandbox", "@acme", "=Acme", erin, owner=factories.person("gina"), backup_owner=bob, brand="-B"
    )
    access.grant(acme, bob, "approver", erin, "works on it")
    data = b"".join(exporting.write_csv(Channel.objects.all(), erin))
    assert b"'=Acme" in data and b"'-B" in data  # nothing that a spreadsheet would run
    moved = data.replace(b"@acme", b"@other").replace(b"bob@", b"bo@").replace(b"Bob", b"Bo")
    assert outcomes(imported(erin, moved, make_people=True)) == ["created"]
    other, bo = Channel.objects.get(handle="@other"), Person.objects.get(email="bo@example.test")
    assert (other.name, other.brand, other.backup_owner, other.kind) == ("=Acme", "-B", bo, acme.kind)
    assert AccessGrant.objects.filter(channel=other, person=bo, entitlement="approver").exists()


def test_the_pages_lead_from_the_file_to_the_channels(erin):
    from django.core.files.uploadedfile import SimpleUploadedFile

    browser = factories.signed_in(erin)
    answer = browser.post(
        reverse("channel_import_list"), {"file": SimpleUploadedFile("c.csv", table(ONE, ("x", "y", "", "")))}
    )
    made = ChannelImport.objects.get()
    assert answer.url == reverse("channel_import", args=[made.pk])
    mapping = {name: str(place) for name, place in made.mapping.items()}
    assert browser.post(answer.url, {**mapping, "network": ""}).status_code == 422
    browser.post(answer.url, {**mapping, "make_people": "on"})
    assert "Checking: 0 of 2" in browser.get(answer.url).content.decode()
    worked(made)
    seen = browser.get(answer.url).content.decode()
    assert "Import what is right (1)" in seen and "is not a network Socialops knows" in seen
    row = reverse("channel_import_row", args=[made.pk, 3])
    assert "Say who owns it" not in browser.get(row).content.decode()
    assert browser.post(row, {"network": "sandbox", "handle": "y y", "name": "", "owner": ""}).status_code == 422
    browser.post(reverse("channel_import_start", args=[made.pk]))
    worked(made)
    assert Channel.objects.get().handle == "@acme"
    exported = browser.get(reverse("channel_export") + "?kind=csv&network=sandbox")
    assert "@acme" in b"".join(exported.streaming_content).decode()
    assert factories.signed_in(factories.person("charlie")).get(reverse("channel_export")).status_code == 403
