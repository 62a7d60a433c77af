"""Filters are parsed and matched, never pasted into SQL; whatever is sent, nothing breaks."""

import json

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scim2_models import ScimFilter

from accounts.models import Person
from accounts.queries.directory import known_people
from accounts.scim import search, users
from accounts.scim.schema import User
from tests.accounts.scim.client import Directory, said
from tests.factories import person

pytestmark = pytest.mark.django_db


@pytest.fixture
def directory():
    return Directory()


@pytest.fixture
def four(directory):
    """dana and bob are known here only; nora and omar came from the directory."""
    person("dana"), person("bob")
    directory.add("nora@example.test", displayName="Nora Lind", externalId="hr-1", name={"familyName": "Lind"})
    directory.add("omar@example.test", displayName="Omar", externalId="HR-1", title="Editor", active=False)
    return directory


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('userName eq "NORA@example.test"', ["nora"]),
        ('userName ne "nora@example.test" and active eq true', ["bob", "dana", "erin"]),
        ('userName co "ar@"', ["omar"]),
        ('userName sw "D"', ["dana"]),
        ('userName ew "@example.test"', ["bob", "dana", "erin", "nora", "omar"]),
        ("title pr", ["omar"]),
        ("not (title pr) and externalId pr", ["nora"]),
        ('externalId eq "hr-1"', ["nora"]),
        ("active eq false", ["omar"]),
        ('name.familyName eq "lind"', ["nora"]),
        ('emails[value eq "bob@example.test"]', ["bob"]),
        ('emails.value eq "BOB@example.test" or emails eq "nora@example.test"', ["bob", "nora"]),
        ('userName gt "nora" and userName le "omar@example.test"', ["nora", "omar"]),
        ('meta.lastModified gt "2020-01-01T00:00:00Z" and userName lt "c"', ["bob"]),
        ('meta.lastModified ge "2999-01-01T00:00:00Z"', []),
        ('(userName eq "a" or (userName sw "b" and not (active eq false)))', ["bob"]),
        ('urn:ietf:params:scim:schemas:core:2.0:User:userName eq "bob@example.test"', ["bob"]),
        ('userName eq "\' OR 1=1 --"', []),
        ('userName eq "x\\" or userName pr or userName eq \\""', []),
        ('externalId eq "\'; DROP TABLE accounts_person; --"', []),
        ('id eq "1 OR 1=1"', []),
        ('userName co "%"', []),
        ('userName eq "____@example.test"', []),
    ],
)
def test_a_filter_finds_whom_it_says(four, text, found):
    assert four.find(text) == [f"{name}@example.test" for name in found]


@pytest.mark.parametrize(
    "text",
    ['userName', 'userName eq', 'userName xx "a"', '"a" eq userName', 'unknown eq "a"', "active gt true",
     "(userName pr",
     "userName pr)", "userName eq 'a'", "1=1", "(" * 3000 + "userName pr" + ")" * 3000, 'active eq "maybe"',
     "userName pr; DROP TABLE accounts_person", "a" * 5000, "not " * 900 + "(userName pr)"],
)  # fmt: skip
def test_what_is_no_filter_is_refused_as_one(four, text):
    assert said(four.get("Users", filter=text), 400)["scimType"] == "invalidFilter"


def test_pages_hold_everybody_once(four):
    seen = []
    for start in (1, 3, 5, 7):
        body = said(four.get("Users", startIndex=start, count=2), 200)
        assert body["totalResults"] == 5 and body["itemsPerPage"] == len(body["Resources"]) <= 2
        seen += [each["userName"] for each in body["Resources"]]
    assert len(seen) == len(set(seen)) == 5
    assert said(four.get("Users", count=0), 200)["Resources"] == []
    assert said(four.get("Users", startIndex=-3, count=-1), 200)["totalResults"] == 5
    for odd in (
        {"startIndex": "x"},
        {"count": "9" * 30},
        {"sortBy": "nothing"},
        {"attributes": "a", "excludedAttributes": "b"},
    ):
        assert four.get("Users", **odd).status_code in (200, 400)


def test_order_and_attributes(four):
    body = said(four.get("Users", sortBy="userName", sortOrder="descending", attributes="userName"), 200)
    assert [each["userName"][:3] for each in body["Resources"]] == ["oma", "nor", "eri", "dan", "bob"]
    assert all(set(each) <= {"schemas", "id", "userName"} for each in body["Resources"])
    body = said(four.get("Users", excludedAttributes="emails,meta"), 200)
    assert not any({"emails", "meta"} & set(each) for each in body["Resources"])
    pk = body["Resources"][0]["id"]
    assert set(said(four.get(f"Users/{pk}", attributes="displayName"), 200)) == {"schemas", "id", "displayName"}


def test_a_search_by_post_finds_the_same_and_over_everything(four):
    asked = {
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:SearchRequest"],
        "filter": 'userName sw "n"',
        "count": 5,
    }
    assert said(four.ask("POST", "Users/.search", asked), 200)["totalResults"] == 1
    assert said(four.ask("POST", ".search", asked), 200)["totalResults"] == 1
    assert said(four.ask("POST", "Groups/.search", asked | {"filter": 'displayName eq "x"'}), 200)["totalResults"] == 0


def test_a_list_costs_the_same_few_queries_however_many_there_are(directory):
    counts = []
    for _ in range(2):
        for i in range(15):
            Person.objects.create(name=f"P{i}", email=f"p{Person.objects.count()}@example.test")
        for path in ("Users", "Groups"):
            directory.get(path)
            with CaptureQueriesContext(
                connection,
            ) as queries:
                said(directory.get(path), 200)
            counts.append(len(queries))
    assert counts[:2] == counts[2:] and max(counts) <= 12


WORDS = st.sampled_from(["nora@example.test", "NORA", "a", "", "hr-1", "é", "%", "'", '"', "\\", "\u0430", "true"])
PATHS = st.sampled_from(
    [
        "userName",
        "externalId",
        "id",
        "emails",
        "emails.value",
        "displayName",
        "title",
        "name.familyName",
        "meta.version",
    ]
)
LEAVES = st.one_of(
    st.builds(
        lambda path, op, word: f"{path} {op} {json.dumps(word)}",
        PATHS,
        st.sampled_from(["eq", "ne", "co", "sw", "ew", "gt", "le"]),
        WORDS,
    ),
    st.builds("{} pr".format, PATHS),
    st.builds(lambda word: f"emails[value eq {json.dumps(word)}]", WORDS),
    st.sampled_from(["active eq true", "active eq false"]),
)
FILTERS = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.builds("({} and {})".format, inner, inner), st.builds("({} or {})".format, inner, inner),
        st.builds("not ({})".format, inner),
    ),
    max_leaves=6,
)  # fmt: skip
MANY = settings(
    max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], derandomize=True
)


@MANY
@given(text=FILTERS)
def test_what_is_read_first_never_loses_whom_the_filter_means(four, text):
    """The rows are narrowed by columns; the same filter over everybody finds the same."""
    request = search.read({"filter": text}, User)
    meant = {each.id for each in users.as_resources(known_people().all()) if ScimFilter[User](text).match(each)}
    assert {each.id for each in search.people(request)[0]} == meant


JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text(max_size=8), WORDS),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.one_of(st.text(max_size=6), PATHS, st.just("value")), inner, max_size=3),
    ),
    max_leaves=6,
)
OPERATIONS = st.fixed_dictionaries(
    {"op": st.one_of(st.sampled_from(["add", "Replace", "remove", "ADD", "move", ""]), JSON)},
    optional={
        "path": st.one_of(
            PATHS, st.text(max_size=12), JSON,
            st.sampled_from(["active", "members", 'members[value eq "1"]', 'emails[type eq "work"].value', "emails[",
                             "schemas", "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.value",
                             "groups", "meta"]),
        ),
        "value": JSON,
    },
)  # fmt: skip


@MANY
@given(operations=st.lists(OPERATIONS, max_size=3), filter_=st.one_of(st.text(max_size=40), FILTERS))
def test_whatever_is_patched_or_asked_nothing_breaks(four, operations, filter_):
    who = Person.objects.get(email="nora@example.test")
    for path in (f"Users/{who.pk}", "Groups/1"):
        assert four.patch(path, *operations).status_code < 500
    assert four.get("Users", filter=filter_).status_code < 500
    assert four.get("Groups", filter=filter_).status_code < 500


@MANY
@given(body=JSON)
def test_whatever_is_sent_nothing_breaks(four, body):
    for method, path in (("POST", "Users"), ("POST", "Groups"), ("POST", ".search"), ("PATCH", "Groups/1")):
        assert four.ask(method, path, body).status_code < 500
    if isinstance(body, dict):
        assert four.add("someone@example.test", **body).status_code < 500
