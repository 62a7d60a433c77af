"""What is going on at Fernhill today. Everything here goes through the verbs, as people do it.

Times are relative to the moment of seeding, so that the first minutes of the demo have something to decide, to watch
and to see off.
"""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from accounts import issuing, subscribing
from accounts import people as staffing
from accounts.models import Person, Scope
from channels_registry import access, connecting, observing, registering
from channels_registry.models import Channel
from governance import offboarding
from publishing import (
    approving,
    arranging,
    attaching,
    commenting,
    drafting,
    feeding,
    keeping,
    noting,
    phrasing,
    queueing,
    repeating,
    scheduling,
    silencing,
    submitting,
    taking_in,
)
from publishing.models import Asset, Post
from publishing.queries.calendar import Filters
from socialops.management.company import doors, figures, outside, pictures, reviews
from socialops.sandbox.control import Control

FLAGSHIPS: list[tuple[str, str, str, int, dict]] = [
    (
        "fernhill",
        "Fernhill",
        "News and offers",
        84_112,
        {"kind": "corporate", "crisis_voice": True, "runs_ads": True, "verification": "yes"},
    ),
    (
        "fernhill-care",
        "Fernhill Care",
        "Customer care",
        12_430,
        {"kind": "care", "crisis_voice": True, "runs_ads": True},
    ),
    ("fernhill-outdoor", "Fernhill Outdoor", "Stories from the trail", 31_870, {"kind": "brand", "runs_ads": True}),
    ("fernhill-careers", "Fernhill Careers", "Jobs", 5_204, {"kind": "jobs"}),
]
RIGHTS = [
    ("alice", "publisher"), ("alice", "responder"), ("bob", "approver"), ("hana", "approver"), ("gina", "approver"),
    ("dana", "publisher"), ("dana", "responder"),
]  # fmt: skip
PEOPLE_OVER_THERE = [("gina", "owner"), ("alice", "editor"), ("dana", "editor")]
SAID = [
    ("fernhill-care", "marie.colas", "My card was charged twice for order 48213. Can someone look?"),
    ("fernhill-care", "j.osei", "Is the Lyon shop open on the 26th? The site says two different things."),
    ("fernhill", "techforum", "We write about repair costs and would like a comment before 15:00."),
    ("fernhill-outdoor", "sofia.hikes", "Second pair of boots, still dry after three winters. Thank you!"),
]
ASKED = [
    (
        "Nora Blanc, shop in Lyon",
        "We open on Sundays in December, from ten to six.",
        "People wait at the door.",
    ),
    ("Emil Hansen, repairs", "The ten-thousandth jacket was mended today. We have a picture with its owner.", ""),
]
LEFT_YESTERDAY = "tomas."


def begin(people: dict[str, Person], sandbox: str) -> None:
    """Four connected channels, posts at every stage, customers who wait, one leaver behind us and one ahead."""
    network = Control(sandbox)
    channels = {row[0]: _open(people, network, sandbox, *row) for row in FLAGSHIPS}
    figures.look_back(people, list(channels.values()), network)
    _arrange(people)
    _say_what_to_say(people)
    _write(people, channels, pictures.hang(people["alice"]))
    _take_in(people, channels)
    doors.put_on_record(people, channels)
    _leave(people)
    reviews.hold(people, channels["fernhill-careers"])
    _give_tools(people, channels["fernhill"])
    for handle, customer, text in SAID:
        network.say(channels[handle].remote_id, text, name=customer)


def _open(
    people: dict[str, Person], network: Control, url: str, handle: str, name: str, purpose: str, size: int, more: dict
) -> Channel:
    over_there = [{"name": people[key].name, "handle": key, "role": role} for key, role in PEOPLE_OVER_THERE]
    phone = [{"label": "dana phone", "handle": "dana"}]
    account = network.account(handle, name, followers=size, people=over_there, app_passwords=phone)
    channel = registering.register_channel(
        "sandbox", handle, name, people["erin"], owner=people["gina"], backup_owner=people["alice"], purpose=purpose,
        brand="Fernhill", region="Europe", language="en", legal_entity="Fernhill SAS", audience_size=size, **more,
    )  # fmt: skip
    for key, level in RIGHTS:
        access.grant(channel, people[key], level, people["erin"], "Works on this channel")
    asked = connecting.connect(channel, {"base_url": url}, {"token": account["token"]}, people["erin"])
    connecting.prove(asked)
    observing.observe(channel)
    return Channel.objects.get(pk=channel.pk)


def _say_what_to_say(people: dict[str, Person]) -> None:
    """Two rules about words, and two snippets."""
    phrasing.add_rule(people["gina"], "waterproof for life", "banned", "We warrant five years. Say so instead.")
    phrasing.add_rule(people["gina"], "most sustainable", "needs_source", "A claim that has to be proven, by law.")
    phrasing.save_snippet(
        people["alice"], "Hours in Lyon", "Monday to Saturday, 10 to 19. Sundays in December, 10 to 18."
    )
    phrasing.save_snippet(people["dana"], "Repair tags", "#repair #fernhill #mendit")


def _arrange(people: dict[str, Person]) -> None:
    """What promises something for years is read by a lawyer, after somebody checked the facts."""
    gina = people["gina"]
    promises = arranging.create_workflow(gina, name="Promises", words=["warranty", "lifelong", "guarantee"])
    arranging.change_step(promises.steps.get(), gina, name="Facts", anyone=False, people=[people["bob"]], hours=4)
    lawyers = {"name": "Lawyers", "remit": "legal", "position": 2, "people": [people["hana"]], "hours": 8}
    arranging.add_step(promises, gina, **lawyers)


def _write(people: dict[str, Person], channels: dict[str, Channel], library: dict[str, Asset]) -> None:
    """Posts that wait for a decision, that are decided, that are due, and one that its author will not see go out."""
    now = datetime.now(UTC)
    _ask(people, channels, library, now)
    outside.ask(people, channels["fernhill"], now)
    _draft(people, channels, library)
    _schedule_some(people, channels, library, now)
    _plan_ahead(people, channels["fernhill"], channels["fernhill-careers"], now)


def _ask(people: dict[str, Person], channels: dict[str, Channel], library: dict[str, Asset], now: datetime) -> None:
    """What waits for a decision: of somebody here, of several in turn."""
    main, care, outdoor, _ = channels.values()
    alice, bob = people["alice"], people["bob"]
    title, why = "Free repairs end on 31 December, what changes", "The shops tell customers tomorrow."
    rates = _post(alice, [main, care], title, RATES, why)
    submitting.submit(rates, alice, bob, "brand", now + timedelta(hours=3))
    _discuss(people, rates)
    fair = _post(alice, [outdoor], "The trail map is here", "Our staff drew it by hand: twelve walks, no shop on any.")
    for picture in ("The long path", "Ridge at dawn"):
        attaching.attach(fair, library[picture], alice, expected_revision=_number(fair))
    submitting.submit(fair, alice, bob, "facts", now + timedelta(hours=26))
    pictures.read_pages(alice, library)
    light = f"180 grams a pole, and the warranty stays at five years. {pictures.SITE}poles"
    claim = _post(alice, [main], "The lightest poles we make", light)
    promise = submitting.submit(claim, alice, wanted_at=now + timedelta(hours=7))
    approving.approve(promise, bob, promise.revision.hash, "Weighed and checked.")


def _discuss(people: dict[str, Person], post: Post) -> None:
    """A question that is open, and one that is answered."""
    quote = "every zip"
    asked = commenting.open_thread(post, people["bob"], "Zips on tents as well? @Alice", quote=quote)
    commenting.answer(asked.thread, people["alice"], "Yes, on everything that we ever sold.")
    done = commenting.open_thread(post, people["hana"], "“Free” needs the date beside it wherever we say it.")
    commenting.answer(done.thread, people["alice"], "It has it now, in the first sentence.")
    commenting.resolve(done.thread, people["hana"])


def _draft(people: dict[str, Person], channels: dict[str, Channel], library: dict[str, Asset]) -> None:
    """What its author still works on: begun, and sent back."""
    alice, bob = people["alice"], people["bob"]
    thought = "A first thought: three jobs, Lyon, part time possible."
    jobs = _post(alice, [channels["fernhill-careers"]], "Three jobs in our repair shop", thought)
    for picture in ("Lyon, repair desk", "Lyon, the window"):
        attaching.attach(jobs, library[picture], alice, expected_revision=_number(jobs))
    returned = _post(
        alice, [channels["fernhill"]], "Spring fair", f"Meet us at the spring fair: {pictures.SITE}spring-fair"
    )
    asked = submitting.submit(returned, alice, bob, "facts")
    approving.request_changes(asked, bob, asked.revision.hash, "Say where and when.")


def _schedule_some(
    people: dict[str, Person], channels: dict[str, Channel], library: dict[str, Asset], now: datetime
) -> None:
    """What is agreed to: one without a time, others that are due."""
    main, care, outdoor, _ = channels.values()
    alice, bob, dana = (people[key] for key in ("alice", "bob", "dana"))
    zips = "Ten thousand times open and shut. Then we sell it."
    _agreed(_post(alice, [main], "Zips, tested ten thousand times", zips), alice, bob)
    hours = _post(alice, [care], "We answer until 22:00 this week", "Holiday week: we answer until 22:00.")
    _schedule(_agreed(hours, alice, bob), alice, now + timedelta(minutes=10))
    boots = _post(alice, [outdoor, main], "Half sizes", "Winter boots, now in half sizes.")
    attaching.attach(boots, library["Winter boots"], alice, expected_revision=_number(boots))
    _schedule(_agreed(boots, alice, bob), alice, now + timedelta(hours=5))
    late = _agreed(_post(dana, [care], "Thank you, and see you", "The community evening is on Saturday."), dana, bob)
    _schedule(late, dana, _friday(now) + timedelta(hours=16))


def _plan_ahead(people: dict[str, Person], main: Channel, careers: Channel, now: datetime) -> None:
    """A queue with two slots a week and something in it, and a day on which nothing is to be said about jobs."""
    for weekday in (1, 3):
        queueing.add_slot(main, weekday, time(9, 30), people["alice"])
    zips = _post(people["alice"], [main], "How to wax a zip", "A candle does it: ten strokes a side, then wipe.")
    queueing.add_to_queue(_agreed(zips, people["alice"], people["bob"]).variants.get(), people["alice"])
    shop = _post(people["alice"], [main], "The repair shop is open today", "From ten to six, without an appointment.")
    weekly = (now + timedelta(days=1)).replace(hour=8, minute=0, second=0, microsecond=0, tzinfo=None)
    repeating.repeat(shop.variants.get(), "FREQ=WEEKLY;COUNT=8", weekly, people["alice"].time_zone, people["alice"])
    _agreed(shop, people["alice"], people["bob"])
    repeating.expand_due()
    feeding.make_feed(people["alice"], "My phone", Filters(channel=main.pk))
    keeping.save_view(people["gina"], "Waiting for approval", "list", Filters(state="approval"), shared=True)
    keeping.save_view(people["alice"], "Fernhill this week", "week", Filters(channel=main.pk))
    today = now.date()
    noting.add_note(
        people["gina"], "Outdoor fair in Lyon", today + timedelta(days=2), today + timedelta(days=4), colour="ok"
    )
    noting.add_note(people["alice"], "Shops close at 14:00", today + timedelta(days=3))
    day = (now + timedelta(days=5)).replace(hour=0, minute=0, second=0, microsecond=0)
    silencing.declare_blackout(
        people["gina"], day, day + timedelta(days=1), "Works council meets about the new contracts", channel=careers
    )


RATES = """Until 31 December every repair is free. From January, repairs on things older than ten years cost 5 euros.

We tried for a year to avoid it. What stays free: everything younger, and every zip."""


def _post(by: Person, channels: list[Channel], title: str, text: str, why_now: str = "") -> Post:
    return drafting.create_post(by, channels, text, title, why_now)


def _number(post: Post) -> int:
    post.refresh_from_db()
    return post.revision_number


def _agreed(post: Post, by: Person, approver: Person) -> Post:
    approval = submitting.submit(post, by, approver, "facts")
    approving.approve(approval, approver, approval.revision.hash)
    return post


def _schedule(post: Post, by: Person, at: datetime) -> None:
    wall_time = at.astimezone(UTC).replace(tzinfo=None, second=0, microsecond=0)
    for variant in post.variants.all():
        scheduling.schedule(variant, wall_time, "UTC", by)


def _take_in(people: dict[str, Person], channels: dict[str, Channel]) -> None:
    """Two colleagues without a seat ask for a post."""
    form, _ = taking_in.open_form(people["gina"], "Ask Fernhill for a post", channels.values())
    for who, what, why in ASKED:
        address = f"{who.partition(' ')[0].lower()}@shops.example.test"
        taking_in.take_in(form, {"who": who, "email": address, "what": what, "why": why, "channels": []})


def _leave(people: dict[str, Person]) -> None:
    """Somebody left yesterday and their doors are on their way; Dana leaves on Friday."""
    erin = people["erin"]
    tomas = next(person for key, person in people.items() if key.startswith(LEFT_YESTERDAY))
    here = datetime.now(ZoneInfo("Europe/Madrid")).replace(tzinfo=None, second=0, microsecond=0)
    last_evening = here - timedelta(hours=20)  # four hours are left for what has to be shut by hand
    staffing.mark_departed(tomas, last_evening, "Europe/Madrid", erin, "End of the agency contract")
    staffing.mark_departed(people["dana"], _friday(datetime.now()), "Europe/Warsaw", erin, "New job")  # noqa: DTZ005
    offboarding.sweep()


def _give_tools(people: dict[str, Person], main: Channel) -> None:
    """Tokens, and an endpoint for webhooks. It is paused: nobody is there to hear it."""
    issuing.issue(people["alice"], "Newsroom website", [Scope.POSTS_READ, Scope.POSTS_WRITE], 90)
    issuing.issue(people["gina"], "Wall screen", [Scope.PUBLICATIONS_READ, Scope.CHANNELS_READ], 365)
    there = "https://chat.fernhill.example/hooks/social"
    endpoint, _ = subscribing.add_endpoint(people["erin"], there, ["publishing"], "Newsroom chat", [main.pk])
    subscribing.pause(endpoint, people["erin"])


def _friday(now: datetime) -> datetime:
    """The coming Friday at 17:00, the week after if today is Friday."""
    days = (4 - now.weekday()) % 7 or 7
    return (now + timedelta(days=days)).replace(hour=17, minute=0, second=0, microsecond=0)
