"""The trail against somebody who owns the database: whatever they do to it, the row is named."""

import json
import subprocess
import sys
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.db import connection, transaction
from django.utils import timezone

from accounts import audit, chaining, verifying
from accounts.models import AuditEvent, AuditHead, AuditSeal
from tests.factories import erin
from tests.servers import CHECKOUT

pytestmark = pytest.mark.django_db
audit.register("test.done", "did a test")


@pytest.fixture(autouse=True)
def heads(settings, tmp_path):
    settings.AUDIT_HEADS = tmp_path / "heads"
    return settings.AUDIT_HEADS


@pytest.fixture
def ids(heads):
    """Twelve sealed events under three heads; the ids in order."""
    first = erin()
    for _ in range(3):
        with transaction.atomic():
            audit.record_many([(first, "test.done", first, {"n": n, "text": "é – ß"}) for n in range(4)])
        chaining.sign_head()
    return list(AuditSeal.objects.order_by("seq").values_list("event_id", flat=True))


def owner(*statements):
    """As a superuser who switches the triggers off."""
    with connection.cursor() as cursor:
        for table in ("accounts_auditevent", "accounts_auditseal", "accounts_audithead"):
            cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER ALL")
        for statement in statements:
            cursor.execute(*statement) if isinstance(statement, tuple) else cursor.execute(statement)


def chain_anew():
    """Compute every seal again from the rows as they now are, as somebody who has read the source would."""
    previous = verifying.BEGINNING
    for seal in AuditSeal.objects.select_related("event").order_by("seq"):
        at = seal.sealed_at.strftime(chaining.TIMES)
        hash_ = verifying.link(previous, seal.seq, verifying.digest(chaining.as_dict(seal.event)), at, seal.version)
        owner(("UPDATE accounts_auditseal SET previous_hash=%s, hash=%s WHERE seq=%s", [previous, hash_, seal.seq]))
        previous = hash_


def findings(heads):
    sealed, unsealed = chaining.whole_trail()
    found = verifying.verify(
        sealed, unsealed, verifying.read_heads(heads), verifying.read_keys(heads), timezone.now()
    ).findings
    return {(each.kind, each.event) for each in found}


def test_an_untouched_trail_is_whole(ids, heads):
    assert findings(heads) == set()
    assert len(ids) == AuditEvent.objects.count()


@pytest.mark.parametrize("anew", [False, True], ids=["chain left", "chain computed anew"])
def test_an_edited_row_is_named(ids, heads, anew):
    owner(("UPDATE accounts_auditevent SET actor_label = 'Mallory' WHERE id = %s", [ids[5]]))
    if anew:
        chain_anew()
    found = findings(heads)
    assert {each for each in found if each[1]} == {("edited", ids[5])}
    assert (("rewritten", None) in found) == anew


@pytest.mark.parametrize(
    "column, value", [("at", "2020-01-01"), ("data", '{"n": 9}'), ("click", "x"), ("actor_id", 999)]
)
def test_every_column_is_under_the_seal(ids, heads, column, value):
    owner((f"UPDATE accounts_auditevent SET {column} = %s WHERE id = %s", [value, ids[4]]))
    assert ("edited", ids[4]) in findings(heads)


def test_a_deleted_row_is_named(ids, heads):
    owner(("DELETE FROM accounts_auditevent WHERE id = %s", [ids[5]]))
    assert findings(heads) == {("deleted", ids[5])}


def test_a_row_deleted_with_its_seal_is_named(ids, heads):
    owner(
        ("DELETE FROM accounts_auditseal WHERE event_id = %s", [ids[5]]),
        ("DELETE FROM accounts_auditevent WHERE id = %s", [ids[5]]),
    )
    assert {each for each in findings(heads) if each[1]} == {("deleted", ids[5])}


def test_a_row_deleted_and_the_rest_moved_up_and_chained_anew_is_named(ids, heads):
    owner(
        ("DELETE FROM accounts_auditseal WHERE event_id = %s", [ids[5]]),
        ("DELETE FROM accounts_auditevent WHERE id = %s", [ids[5]]),
        "UPDATE accounts_auditseal SET seq = -seq WHERE seq > 6",
        "UPDATE accounts_auditseal SET seq = -seq - 1 WHERE seq < 0",
    )
    chain_anew()
    found = findings(heads)
    assert {each for each in found if each[1]} == {("deleted", ids[5])}
    assert ("rewritten", None) in found


def insert_event(at="now()"):
    owner(
        "INSERT INTO accounts_auditevent "
        "(at, actor_label, action, subject_type, subject_id, subject_label, data, click) "
        f"VALUES ({at}, 'Erin', 'test.done', 'person', '1', 'Dana', '{{}}', '')"
    )
    return AuditEvent.objects.latest("pk").pk


def test_a_row_inserted_between_and_chained_anew_is_named(ids, heads):
    forged = insert_event()
    owner(
        "UPDATE accounts_auditseal SET seq = -seq WHERE seq > 6",
        "UPDATE accounts_auditseal SET seq = -seq + 1 WHERE seq < 0",
        ("INSERT INTO accounts_auditseal VALUES (7, '', '', now(), %s, 2)", [forged]),
    )
    chain_anew()
    assert {each for each in findings(heads) if each[1]} == {("inserted", forged)}


def test_a_row_inserted_with_a_date_of_long_ago_is_named_although_the_sealer_sealed_it(ids, heads):
    owner("UPDATE accounts_auditseal SET sealed_at = sealed_at")
    forged = insert_event("now() - interval '3 days'")
    assert ("unsealed", forged) in findings(heads)
    chaining.seal()
    assert findings(heads) == {("inserted", forged)}


def test_events_that_waited_out_a_long_stop_of_the_sealer_are_no_insertion(heads):
    first = erin()
    chaining.seal()
    owner("UPDATE accounts_auditevent SET at = at - interval '5 hours'")
    owner("UPDATE accounts_auditseal SET sealed_at = sealed_at - interval '5 hours'")
    for hours in (4, 3):
        audit.record(first, "test.done", first)
        latest = AuditEvent.objects.latest("pk").pk
        owner(("UPDATE accounts_auditevent SET at = at - %s WHERE id = %s", [timedelta(hours=hours), latest]))
    chain_anew()
    chaining.seal()
    assert findings(heads) == set()


def test_rows_put_into_another_order_and_chained_anew_are_named(ids, heads):
    owner(
        "UPDATE accounts_auditseal SET seq = -4 WHERE seq = 4",
        "UPDATE accounts_auditseal SET seq = -seq WHERE seq BETWEEN 5 AND 9",
        "UPDATE accounts_auditseal SET seq = -seq - 1 WHERE seq BETWEEN -9 AND -5",
        "UPDATE accounts_auditseal SET seq = 9 WHERE seq = -4",
    )
    chain_anew()
    assert {each for each in findings(heads) if each[1]} == {("moved", ids[3])}


def test_a_tail_that_was_cut_off_is_named_row_by_row(ids, heads):
    owner(
        ("DELETE FROM accounts_auditseal WHERE event_id >= %s", [ids[-3]]),
        ("DELETE FROM accounts_auditevent WHERE id >= %s", [ids[-3]]),
        "DELETE FROM accounts_audithead WHERE seq > 5",
    )
    assert findings(heads) == {("cut", each) for each in ids[-3:]}


def test_no_head_is_signed_over_a_trail_that_does_not_match(ids):
    audit.record(erin(), "test.done", erin())
    chaining.seal()
    owner(
        ("UPDATE accounts_auditevent SET actor_label = 'Mallory' WHERE id = %s", [AuditEvent.objects.latest("pk").pk])
    )
    with pytest.raises(chaining.Broken, match="does not match its seal"):
        chaining.sign_head()
    owner(("DELETE FROM accounts_auditseal WHERE event_id >= %s", [ids[-1]]))
    with pytest.raises(chaining.Broken, match="not there any more"):
        chaining.sign_head()


def test_a_head_changed_or_left_out_outside_shows_too(ids, heads):
    path = next(heads.glob("heads-*.jsonl"))
    lines = path.read_text().splitlines()
    forged = json.loads(lines[1])
    forged["rows"][0][2] = "0" * 64
    path.write_text("\n".join([lines[0], json.dumps(forged), lines[2]]) + "\n")
    assert ("head", None) in findings(heads)
    path.write_text("\n".join([lines[0], lines[2]]) + "\n")
    assert ("head", None) in findings(heads)


def test_a_head_that_cannot_leave_is_none(ids, settings, tmp_path):
    (tmp_path / "file").write_text("")
    settings.AUDIT_HEADS = tmp_path / "file" / "heads"
    audit.record(erin(), "test.done", erin())
    before = AuditHead.objects.count()
    with pytest.raises(OSError):
        chaining.sign_head()
    assert AuditHead.objects.count() == before


def test_the_command_names_the_row_and_ends_with_one(ids, capsys, tmp_path):
    call_command("verify_audit", export=tmp_path / "whole.jsonl")
    assert "The trail is whole." in capsys.readouterr().out
    owner(("UPDATE accounts_auditevent SET subject_label = 'nobody' WHERE id = %s", [ids[6]]))
    with pytest.raises(SystemExit, match="1"):
        call_command("verify_audit", export=tmp_path / "edited.jsonl")
    assert f"Event {ids[6]} (seal 7) was edited" in capsys.readouterr().out


def test_the_offline_verifier_says_the_same_without_the_database_and_without_django(ids, heads, tmp_path):
    call_command("verify_audit", export=tmp_path / "whole.jsonl")
    owner(("DELETE FROM accounts_auditevent WHERE id = %s", [ids[2]]))
    with pytest.raises(SystemExit):
        call_command("verify_audit", export=tmp_path / "deleted.jsonl")
    for name, code, said in [("whole", 0, "whole"), ("deleted", 1, f"Event {ids[2]} was deleted")]:
        run = subprocess.run(
            [sys.executable, "-IS", CHECKOUT / "accounts/verifying.py", tmp_path / f"{name}.jsonl", heads],
            cwd=tmp_path, capture_output=True, text=True, timeout=60, env={"DJANGO_SETTINGS_MODULE": "none"},
        )  # fmt: skip
        assert run.returncode == code and said in run.stdout, run.stderr


def test_an_event_of_a_transaction_that_ended_late_is_sealed_after_later_ones(ids, heads):
    """Ids are given before commit, so a lower one may come to light after a higher one was sealed."""
    owner("SELECT nextval('accounts_auditevent_id_seq')")
    audit.record(erin(), "test.done", erin())
    chaining.seal()
    owner(
        "INSERT INTO accounts_auditevent "
        "(id, at, actor_label, action, subject_type, subject_id, subject_label, data, click) "
        "SELECT max(id) - 1, now(), 'Erin', 'test.done', 'person', '1', 'Dana', '{}', '' FROM accounts_auditevent"
    )
    assert chaining.seal() == 1
    chaining.sign_head()
    assert findings(heads) == set()


@pytest.mark.django_db(transaction=True)
def test_two_sealers_at_once_seal_each_event_once():
    import threading

    from django.db import connections

    with transaction.atomic():
        first = erin()
        audit.record_many([(first, "test.done", first, {"n": n}) for n in range(3000)])

    def work():
        for _ in range(20):
            chaining.seal()
        connections.close_all()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    seqs = list(AuditSeal.objects.order_by("seq").values_list("seq", flat=True))
    assert seqs == list(range(1, AuditEvent.objects.count() + 1))
    sealed, unsealed = chaining.whole_trail()
    assert verifying.verify(sealed, unsealed, [], {}, timezone.now()).findings == []
