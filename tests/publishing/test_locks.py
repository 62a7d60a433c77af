"""In which order the verbs take what they change, and that they wait for each other."""

import threading
from datetime import timedelta

from django.core.exceptions import ValidationError
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from publishing import approving, delegating, linking, scheduling, submitting
from publishing.models import Post
from tests import factories
from tests.publishing.outside import asked_outside, with_lawyers
from tests.publishing.steps import agree, approver, plan, staffed, tomorrow, until_somebody_waits, write


def test_each_verb_takes_the_post_before_anything_else(post, alice, bob, dana, acme, gina):
    """One order of locks for all, so that no two of them wait for each other for ever."""

    def locks(verb, *said, **more):
        with CaptureQueriesContext(connection) as asked:
            made = verb(*said, **more)
        taken = [query["sql"].partition("FROM ")[2].split()[0] for query in asked if "FOR UPDATE" in query["sql"]]
        assert taken[:1] == ['"publishing_post"'], verb
        return made

    soon = timezone.now() + timedelta(days=2)
    variant, wanted = post.variants.get(), {"window": (timezone.now(), soon + timedelta(days=3))}
    locks(submitting.submit, post, alice, bob, wanted_at=soon, **wanted)
    locks(submitting.withdraw, post, alice)
    approval = locks(submitting.submit, post, alice, bob, wanted_at=soon, **wanted)
    locks(approving.approve, approval, bob, approval.revision.hash)
    publication = locks(scheduling.schedule, variant, tomorrow(9), "UTC", dana)
    locks(scheduling.reschedule, publication, tomorrow(15), "UTC", dana)
    factories.departed(dana)
    erik = factories.person("erik")
    factories.grant(acme, erik, "publisher")
    locks(scheduling.adopt, publication, erik)
    locks(scheduling.cancel, publication, erik)
    again = locks(submitting.ask_again, post, alice, soon + timedelta(days=7))
    approver(acme, "hana")
    assert locks(delegating.hand_over, bob, None) == 1
    locks(approving.request_changes, again, factories.person("hana"), again.revision.hash, "Shorter")
    with_lawyers(gina, bob, linking.add_external(gina, "Nora", "nora@lawyers.test"))
    locks(linking.revoke, asked_outside(write(alice, [acme]), alice, bob), alice)


def test_a_verb_waits_for_whoever_has_the_post(fresh_database):
    acme = staffed(factories.channel("sandbox", name="Acme"))
    alice, bob, dana = (factories.person(name) for name in ("alice", "bob", "dana"))
    post = write(alice, [acme])
    publication, said = plan(agree(post, alice, bob), dana), []

    def move() -> None:
        try:
            scheduling.reschedule(publication, tomorrow(15), "UTC", dana)
        except ValidationError as error:
            said.extend(error.messages)
        finally:
            connection.close()

    other = threading.Thread(target=move)
    with transaction.atomic():
        Post.objects.select_for_update().get(pk=post.pk)
        other.start()
        until_somebody_waits()
        scheduling.return_to_author(post, alice, "It was changed.")
    other.join(20)
    publication.refresh_from_db()
    assert (publication.state, said) == ("cancelled", ["It was cancelled. It cannot be moved any more."])
