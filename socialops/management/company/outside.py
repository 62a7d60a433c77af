"""A lawyer without a seat: asked about prize draws by a link, and part of what is said about one."""

from datetime import datetime, timedelta

from accounts.models import Person
from channels_registry.models import Channel
from publishing import approving, arranging, commenting, drafting, linking, submitting
from publishing.models import AgreementLink, Post

TITLE = "Win a year of free repairs"
TEXT = """Prize draw: show us the thing you would never throw away, and win a year of free repairs.

Open until 12 December. Terms: https://fernhill.example/draw"""


def ask(people: dict[str, Person], channel: Channel, now: datetime) -> None:
    gina, alice, bob = (people[key] for key in ("gina", "alice", "bob"))
    nora = linking.add_external(gina, "Nora Berg", "nora@berg-lind.example.test", "Berg & Lind, lawyers")
    draws = arranging.create_workflow(gina, name="Prize draws", words=["prize draw"])
    arranging.change_step(draws.steps.get(), gina, name="Facts", anyone=False, people=[bob], hours=4)
    arranging.add_step(draws, gina, name="Outside counsel", remit="legal", position=2, externals=[nora], hours=20)
    post = drafting.create_post(alice, [channel], TEXT, TITLE, "The draw runs while the shops are full.")
    asked = submitting.submit(post, alice, wanted_at=now + timedelta(hours=30))
    approving.approve(asked, bob, asked.revision.hash)
    _discuss(people, post, AgreementLink.objects.get(ask__external=nora))


def _discuss(people: dict[str, Person], post: Post, link: AgreementLink) -> None:
    """One thread that Nora reads and answers, and one that she never sees."""
    question = "The terms name 12 December as well. Is that enough?"
    asked = commenting.open_thread(post, people["alice"], question, external=True, quote="Open until 12 December.")
    token = linking.address(link).rstrip("/").rpartition("/")[2]
    proof = linking.check_code(token, linking.code_of(linking.send_code(token)))
    commenting.write_by_link(token, proof, "Name the hour and the zone, and it is.", asked.thread_id)
    commenting.open_thread(post, people["bob"], "Who pays the tax on the prize? @Gina")
