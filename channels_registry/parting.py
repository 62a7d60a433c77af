"""After a person has disconnected a channel: our own token is given back to the network, then wiped here.

Web ends the connection in its own commit and leaves the sealed secrets to a worker, who alone can open them. The worker
asks the network to revoke them, tries whether they still open anything, and wipes them whatever came of it. Best
effort, with an honest word: what could not be revoked is told to those who answer for the channel.
"""

from django.conf import settings
from django.db import transaction
from django.db.models.functions import Now
from django.utils import timezone

from accounts import audit
from channels_registry import access
from channels_registry.connecting import AGAIN, GIVE_UP, ask, tell
from channels_registry.connector.capabilities import GivesBack
from channels_registry.connector.errors import NetworkError, Refused
from channels_registry.connector.types import Probe
from channels_registry.models import AccessGrant, Connection
from channels_registry.reaching import opened

audit.register("connection.given_back", "gave a channel’s token back to its network")
audit.register("connection.not_given_back", "could not give a channel’s token back to its network")

GivenBack = Connection.GivenBack
AGAIN_CONNECTED = "The channel was connected again meanwhile, so the token was left alone."


def part(connection: Connection) -> Connection:
    """Give our token back and wipe it. For workers. Safe to repeat; what is settled is left alone."""
    connection = Connection.objects.select_related("channel", "ended_by").get(pk=connection.pk)
    if connection.given_back != GivenBack.ASKED:
        return connection
    network = connection.channel.connector
    newer = set(Connection.objects.filter(channel=connection.channel).values_list("state", flat=True))
    if "live" in newer:
        return _settle(connection, Probe(None, AGAIN_CONNECTED), GivenBack.KEPT)
    if "pending" in newer:
        return _put_off(connection, "New keys of the channel wait to be proven, and may be the same.")
    if not isinstance(network, GivesBack):
        return _settle(connection, Probe(None, f"{network.label} offers no way to do it."), GivenBack.KEPT)
    try:
        probe = ask(connection, lambda http: network.give_back(opened(connection, http)))
    except Refused as error:
        return _settle(connection, Probe(None, error.reason), GivenBack.KEPT)
    except NetworkError as error:
        return _put_off(connection, error.reason)
    return _settle(connection, probe, GivenBack.KEPT if probe.shut is False else GivenBack.REVOKED)


def _put_off(connection: Connection, reason: str) -> Connection:
    """The network, or we, may be better in a moment. After ten minutes the secrets are wiped all the same."""
    if connection.ended_at is None or timezone.now() - connection.ended_at > GIVE_UP:
        return _settle(connection, Probe(None, reason), GivenBack.KEPT)
    Connection.objects.filter(pk=connection.pk, given_back=GivenBack.ASKED).update(
        next_check_at=Now() + AGAIN * settings.PACE
    )
    return connection


@transaction.atomic
def _settle(connection: Connection, probe: Probe, given_back: str) -> Connection:
    """Wiped here in any case. Our door is closed in the ledger only when it was tried and found shut."""
    channel = connection.channel
    words = f"{probe.detail} {probe.residual}".strip()
    done = Connection.objects.filter(pk=connection.pk, given_back=GivenBack.ASKED).update(
        given_back=given_back, sealed_secrets=b"", trouble=words[:400]
    )
    connection.refresh_from_db()
    if not done:
        return connection  # another worker was faster
    if probe.shut:
        for door in AccessGrant.objects.standing().filter(channel=channel, ours=True):
            access.end(door, None, probe.detail)
    if not Connection.objects.filter(channel=channel, state="live").exists():
        AccessGrant.objects.filter(channel=channel, ours=True, revoked_at=None).update(ours=False)
    revoked = given_back == GivenBack.REVOKED
    action = "connection.given_back" if revoked else "connection.not_given_back"
    audit.record(None, action, connection, channel=channel.pk, words=words, shut=probe.shut)
    if not revoked and words != AGAIN_CONNECTED:
        text = f"{channel.name} is disconnected, but its token may still work over there. {words}"
        tell(channel, "connection.not_given_back", text, *filter(None, [connection.ended_by]))
    return connection
