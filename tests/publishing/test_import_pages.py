"""The pages of an import, and the export that it takes back."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from publishing import campaigning, drafting, importing
from publishing.models import Import, Post
from tests import factories
from tests.publishing.imports import LATER, brought, checked, imported, outcomes, problems, table, worked
from tests.publishing.steps import MOST_QUERIES, page, trail, write

ONE = ("a", "Acme", "Winter begins.", LATER.format(1))
WRONG = ("b", "Nowhere", "Winter goes on.", "")


def test_a_file_is_brought_confirmed_stopped_and_imported(alice, acme):
    client = factories.signed_in(alice)
    answer = client.post("/posts/imports/", {"file": SimpleUploadedFile("w.csv", table(ONE, WRONG))})
    made = Import.objects.get()
    path = f"/posts/imports/{made.pk}/"
    assert (answer.status_code, answer.url) == (302, path)
    assert "Check every row" in page(client, path)
    mapping = {name: str(place) for name, place in made.mapping.items()}
    client.post(path, {"time_zone": "Europe/Berlin", **mapping})
    said = page(client, path)
    assert "Checking: 0 of 2" in said and "every 1s" in said
    worked(made)
    said = page(client, path)
    assert "Import what is right (1)" in said and "no channel “Nowhere”" in said
    client.post(path + "posts/")
    assert "Making drafts: 0 of 1" in page(client, path)
    client.post(path + "stopping/")
    assert "Stopped" in page(client, path)
    client.post(path + "posts/")
    worked(made)
    assert Post.objects.get().text == ONE[2]


def test_a_row_is_mended_on_its_page(alice, acme):
    client, made = factories.signed_in(alice), checked(alice, table(ONE, WRONG))
    path = f"/posts/imports/{made.pk}/rows/3/"
    assert "no channel “Nowhere”" in page(client, path)
    cells = {"key": "b", "channels": "Elsewhere", "text": "Kept.", "at": ""}
    answer = client.post(path, cells)
    assert answer.status_code == 422
    assert "no channel “Elsewhere”" in answer.content.decode() and "Kept." in answer.content.decode()
    assert client.post(path, cells | {"channels": "Acme"}).status_code == 302
    assert problems(made) == {}


def test_problems_are_shown_by_field_and_by_page(alice, acme):
    rows = [(str(n), "Nowhere", "Text", "") for n in range(30)] + [("x", "Acme", " ", "")]
    client, made = factories.signed_in(alice), checked(alice, table(*rows))
    assert "?after=26" in page(client, f"/posts/imports/{made.pk}/")
    assert "rows/32/" in page(client, f"/posts/imports/{made.pk}/?after=26")
    only = page(client, f"/posts/imports/{made.pk}/?problem=text")
    assert "rows/32/" in only and "rows/2/" not in only


@pytest.mark.parametrize("path", ["", "rows/3/"])
def test_the_pages_ask_little_of_the_database(alice, acme, path, django_assert_max_num_queries):
    made, client = checked(alice, table(ONE, WRONG)), factories.signed_in(alice)
    with django_assert_max_num_queries(MOST_QUERIES):
        page(client, f"/posts/imports/{made.pk}/{path}")


@pytest.mark.parametrize("name", ["charlie", "bob"])
def test_somebody_elses_import_does_not_exist(alice, acme, name):
    made = checked(alice, table(ONE, WRONG))
    client = factories.signed_in(factories.person(name))
    for path in ("", "rows/3/"):
        page(client, f"/posts/imports/{made.pk}/{path}", 404)
    for path in ("posts/", "stopping/", "reading/", "", "rows/3/"):
        assert client.post(f"/posts/imports/{made.pk}/{path}").status_code == 404


def test_a_file_that_is_no_table_is_refused_beside_its_field(alice, acme):
    answer = factories.signed_in(alice).post("/posts/imports/", {"file": SimpleUploadedFile("w.xlsx", b"PK\x03\x04")})
    assert answer.status_code == 422
    assert "cannot be read as XLSX" in answer.content.decode()


def test_another_encoding_is_chosen_on_the_page(alice, acme):
    made = brought(alice, "channels,text\nAcme,Grün\n".encode("cp1252"))
    factories.signed_in(alice).post(
        f"/posts/imports/{made.pk}/reading/", {"encoding": "utf-8", "delimiter": "semicolon"}
    )
    made.refresh_from_db()
    assert (made.encoding, made.headers) == ("utf-8", ["channels,text"])


ODD = [
    "=1+1",
    "'=1",
    "＋1",
    'Zwei\nZeilen, "so"; ja',
    "\U0001f469\u200d\u2695\ufe0f",
    "שלום, עולם",
    "\tTab",
    " x",
    "-",
]


def _posts() -> list[tuple]:
    return list(Post.objects.order_by("pk").values_list("pk", "text", "title", "wanted_at", "revision_number"))


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_what_is_exported_is_taken_back_unchanged(alice, acme, second, kind):
    spring = campaigning.create(alice, "Spring, fair")
    about = {"why_now": "-1", "campaign": spring, "tags": ["a", "b c"]}
    for n, text in enumerate(ODD):
        own = {second.pk: f"{text} France"} if n % 2 else None
        write(alice, [acme, second], text, title=f"=T {n}", variants=own, **about)
    imported(alice, table(ONE))
    posts = _posts()
    answer = factories.signed_in(alice).get(f"/posts/export/?kind={kind}")
    data = b"".join(answer.streaming_content)
    again = imported(alice, data)
    assert problems(again) == {}
    assert set(outcomes(again)) == {"unchanged"} and len(posts) == again.total == len(ODD) + 1
    assert _posts() == posts
    assert "posts.exported" in trail(alice)


def test_an_export_is_what_the_list_shows(alice, acme, charlie):
    other = factories.channel("sandbox", name="Elsewhere")
    olga = factories.person("olga")
    factories.grant(other, olga, "author")
    drafting.create_post(olga, [other], "Not for alice.")
    write(alice, [acme], "For alice.")
    client = factories.signed_in(alice)
    whole = b"".join(client.get("/posts/export/").streaming_content).decode()
    assert "For alice." in whole and "Not for alice." not in whole
    approved = b"".join(client.get("/posts/export/?state=approved").streaming_content).decode()
    assert "For alice." not in approved


def test_a_changed_export_changes_its_posts(alice, acme):
    post = write(alice, [acme], "Winter begins.")
    data = b"".join(factories.signed_in(alice).get("/posts/export/").streaming_content)
    assert outcomes(imported(alice, data.replace(b"Winter", b"Spring"))) == ["changed"]
    post.refresh_from_db()
    assert post.text == "Spring begins."


def test_a_worker_that_dies_in_the_middle_makes_nothing_twice(alice, acme, monkeypatch):
    """What a killed process leaves: the rows that were committed, and none of the one it was at."""
    rows = [(str(n), "Acme", f"Text {n}", "") for n in range(6)]
    made = checked(alice, table(*rows))
    importing.start(made, alice)
    record, calls = drafting.record, []

    def dies(*said, **more):
        calls.append(said)
        if len(calls) == 4:
            raise KeyboardInterrupt
        record(*said, **more)

    monkeypatch.setattr(drafting, "record", dies)
    with pytest.raises(KeyboardInterrupt):
        importing.work_due()
    monkeypatch.undo()
    assert outcomes(made) == ["created"] * 3 + [""] * 3
    worked(made)
    assert outcomes(made) == ["created"] * 6
    assert Post.objects.count() == 6
