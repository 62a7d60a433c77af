"""Small steps that several tests of publishing take."""

import threading
import time
from datetime import datetime, timedelta

from django.db import connection
from django.db.models.functions import Now
from django.utils import timezone

from accounts.models import AuditEvent
from channels_registry.models import Connection
from publishing import approving, drafting, scheduling, submitting
from publishing.models import Ask
from tests import factories

MOST_QUERIES = 12  # a page, the frame's four included
TEXT = "From 1 December, instant transfers cost 0.20 €. Everything else stays free."


def staffed(channel):
    """alice may write there, bob approve, dana publish; charlie may only look."""
    rights = {"alice": "author", "bob": "approver", "dana": "publisher", "charlie": "viewer"}
    for name, right in rights.items():
        factories.grant(channel, factories.person(name), right)
    return channel


def approver(channel, name: str):
    """Somebody else who may approve there."""
    person = factories.person(name)
    factories.grant(channel, person, "approver")
    return person


def write(alice, channels, text: str = TEXT, **more):
    return drafting.create_post(alice, channels, text, **{"title": "Winter rates", **more})


def ask(post, alice, bob, days: int = 2):
    """To go out at about that time; at any time within a year it may."""
    now = timezone.now()
    year = (now - timedelta(hours=1), now + timedelta(days=365))
    return submitting.submit(post, alice, bob, "facts", now + timedelta(days=days), window=year)


def asked(approval) -> list:
    """Who has a place in the request and may still decide, in order."""
    asks = Ask.objects.filter(stage__approval=approval, ended_at=None, decisions=None, carried_from=None)
    return [each.person for each in asks.order_by("stage__position", "stage", "id")]


def agree(post, alice, bob):
    """The post asked about and approved."""
    approval = ask(post, alice, bob)
    approving.approve(approval, bob, approval.revision.hash)
    post.refresh_from_db()
    return post


def plan(post, dana, wall: datetime | None = None):
    return scheduling.schedule(post.variants.first(), wall or tomorrow(9), "UTC", dana)


def tomorrow(hour: int, days: int = 2) -> datetime:
    """A naive wall time in the near future."""
    day = timezone.now() + timedelta(days=days)
    return day.replace(hour=hour, minute=0, second=0, microsecond=0, tzinfo=None)


def connect(channel, **facts) -> Connection:
    """A live connection as a worker would have left it; nothing here ever opens its secrets."""
    made = Connection.objects.create(
        channel=channel, sealed_secrets=b"-", key_id="-", facts=facts, authorised_by=factories.erin()
    )
    Connection.objects.filter(pk=made.pk).update(state="live")
    return made


def published(publication, remote_id: str = ""):
    """As a worker leaves it when the network has accepted it."""
    rows = type(publication).objects.filter(pk=publication.pk)
    rows.update(state="sending", lease_until=Now(), fence=1)
    publication.attempts.create(fence=1, started_at=Now(), deadline_at=Now(), outcome="accepted")
    rows.update(state="done", lease_until=None, remote_id=remote_id or f"there-{publication.pk}", settled_at=Now())
    publication.refresh_from_db()
    return publication


def came_late(publication, remote_id: str = "late-1") -> None:
    """The network's acceptance of an earlier sending, after the row had moved on."""
    said = {"outcome": "accepted", "remote_id": remote_id, "remote_url": f"https://there.test/{remote_id}"}
    publication.attempts.create(
        fence=7, started_at=Now(), deadline_at=Now(), outcome="proven_absent", evidence={"late": said}
    )


def page(client, path: str, status: int = 200) -> str:
    """What the page says, which answers with this status."""
    answer = client.get(path)
    assert answer.status_code == status, answer.content[:2000]
    return answer.content.decode()


def sign_in(context, web, person) -> None:
    """A browser's context goes on as this person."""
    cookie = factories.signed_in(person).cookies["session"]
    context.add_cookies([{"name": "session", "value": cookie.value, "url": web.url}])


def at_once(*acts) -> list:
    """What each came to, or the error it raised, in the order in which they ended. For tests with a fresh_database."""
    barrier, said = threading.Barrier(len(acts)), []

    def go(act):
        barrier.wait(10)
        try:
            said.append(act())
        except Exception as error:
            said.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=go, args=[act]) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    return said


def until_somebody_waits() -> None:
    """For a lock that this connection holds."""
    for _ in range(200):
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
            if cursor.fetchone()[0]:
                return
        time.sleep(0.05)
    raise AssertionError("nobody waits")


def trail(subject) -> list[str]:
    """What was done with it, in order."""
    return [event.action for event in events(subject)]


def events(subject) -> list[AuditEvent]:
    found = AuditEvent.objects.filter(subject_type=subject._meta.model_name, subject_id=str(subject.pk))
    return list(found.order_by("id"))
