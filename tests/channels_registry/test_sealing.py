"""Secrets are sealed for their row: web closes, only the holder of the private key opens, nothing can be moved."""

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command

from channels_registry import sealing
from channels_registry.models import Channel, Connection
from socialops.lib import keyring
from socialops.lib import sealing as envelope
from socialops.lib.sealing import CannotOpen


@pytest.fixture
def keys(settings, tmp_path):
    settings.SEALING_KEYS = str(tmp_path / "keys")
    return tmp_path / "keys"


def a_connection(pk=7, channel=3, version=1):
    connection = Connection(pk=pk, channel=Channel(pk=channel), secret_version=version)
    sealing.seal(connection, {"token": "a-secret"})
    return connection


def test_what_was_sealed_opens_with_the_private_key(keys):
    assert sealing.open_sealed(a_connection()) == {"token": "a-secret"}


def test_the_same_secret_never_looks_the_same_twice_and_never_stands_in_the_open(keys):
    one, other = a_connection(), a_connection()
    assert one.sealed_secrets != other.sealed_secrets
    assert b"a-secret" not in one.sealed_secrets


@pytest.mark.parametrize("elsewhere", [{"pk": 8}, {"channel": 4}, {"version": 2}])
def test_a_ciphertext_does_not_open_in_another_row(keys, elsewhere):
    sealed, there = a_connection(), a_connection(**elsewhere)
    there.sealed_secrets = sealed.sealed_secrets
    with pytest.raises(CannotOpen):
        sealing.open_sealed(there)


def test_a_webhook_secret_does_not_open_as_a_connections_secret(keys):
    connection = a_connection()
    sealing.seal_webhook_secret(connection, "signing")
    connection.sealed_secrets = connection.sealed_webhook_secret
    with pytest.raises(CannotOpen):
        sealing.open_sealed(connection)


def test_every_changed_byte_is_noticed(keys):
    connection = a_connection()
    whole = bytes(connection.sealed_secrets)
    for place in range(len(whole)):
        connection.sealed_secrets = whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :]
        with pytest.raises(CannotOpen):
            sealing.open_sealed(connection)


@pytest.mark.parametrize("nothing", [b"", b"\x01", b"\x02\x10" + b"a" * 200, b"\x01\xff"])
def test_what_is_no_envelope_is_refused(nothing):
    with pytest.raises(CannotOpen):
        envelope.unseal(nothing, {}, "anywhere")


def test_with_the_public_key_alone_one_can_seal_and_not_open(keys):
    a_connection()
    (keys / "connections-1.private").unlink()
    with pytest.raises(CannotOpen, match="is not here"):
        sealing.open_sealed(a_connection())


def test_outside_of_a_local_installation_no_key_is_ever_invented(keys, settings):
    settings.LOCAL = False
    with pytest.raises(ImproperlyConfigured, match="sealing_keys make"):
        a_connection()


def test_private_files_are_for_their_owner_only(keys):
    a_connection()
    assert (keys / "connections-1.private").stat().st_mode & 0o777 == 0o600


def test_two_processes_that_make_the_first_key_agree_on_one(keys, monkeypatch):
    real = keyring._files
    monkeypatch.setattr(keyring, "_files", lambda *_: {})  # each believes to be first
    keyring.make_key("connections"), keyring.make_key("connections")
    monkeypatch.setattr(keyring, "_files", real)
    assert sorted(path.name for path in keys.iterdir()) == ["connections-1.private", "connections-1.public"]
    assert sealing.open_sealed(a_connection()) == {"token": "a-secret"}


def test_a_new_key_wraps_again_without_touching_the_content(keys):
    connection = a_connection()
    before = bytes(connection.sealed_secrets)
    keyring.make_key("connections")
    assert sealing.rewrap(connection) and not sealing.rewrap(connection)
    assert bytes(connection.sealed_secrets)[-40:] == before[-40:] and connection.sealed_secrets != before
    (keys / "connections-1.private").unlink()
    assert sealing.open_sealed(connection) == {"token": "a-secret"}


def test_a_key_id_follows_from_the_key():
    one, other = X25519PrivateKey.generate().public_key(), X25519PrivateKey.generate().public_key()
    assert envelope.key_id(one) == envelope.key_id(one) != envelope.key_id(other)


@pytest.mark.django_db
def test_rotating_wraps_every_row_for_the_newest_key_and_says_what_it_did(keys, capsys):
    from tests import factories

    erin, channel = factories.erin(), factories.channel()
    rows = [Connection.objects.create(channel=channel, authorised_by=erin, sealed_secrets=b"") for _ in range(3)]
    for row in rows:
        sealing.seal(row, {"token": f"t{row.pk}"})
        row.save()
    call_command("sealing_keys", "make")
    call_command("sealing_keys", "rotate")
    assert "3 of 3" in capsys.readouterr().out
    (keys / "connections-1.private").unlink()
    assert [sealing.open_sealed(row)["token"] for row in Connection.objects.order_by("pk")] == [
        f"t{row.pk}" for row in rows
    ]


@pytest.mark.django_db
def test_rotating_wraps_what_signs_webhooks_as_well(keys, capsys):
    from tests import factories

    row = Connection.objects.create(channel=factories.channel(), authorised_by=factories.erin(), sealed_secrets=b"")
    sealing.seal_webhook_secret(row, "what signs")
    row.save()
    call_command("sealing_keys", "make", "--webhooks")
    call_command("sealing_keys", "rotate")
    assert "1 of 1 webhook secrets" in capsys.readouterr().out
    (keys / "webhooks-1.private").unlink()
    assert sealing.open_webhook_secret(Connection.objects.get(pk=row.pk)) == "what signs"
    call_command("sealing_keys", "rotate")
    assert "0 of 1 webhook secrets" in capsys.readouterr().out
