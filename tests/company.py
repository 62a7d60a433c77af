"""A small company in which every address has an object, made through the verbs. For the questions who may what.

The pages themselves are looked at in the demo company (tests/fernhill.py).

Times are relative to now, so that clocks run. Nobody's rights are assumed: what a verb refuses here fails the tests.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from uuid import uuid4

from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from socialops.lib.export import csv_bytes
from tests import factories, files

PASSWORD = factories.PASSWORD
CAST = {
    "erin": ("Erin Walsh", "Administrator", ""),
    "alice": ("Alice Ndiaye", "Social media manager", ""),
    "bob": ("Bob Okafor", "Brand lead", ""),
    "charlie": ("Charlie Meunier", "Finance", ""),
    "dana": ("Dana Petrov", "Community manager", ""),
    "frank": ("Frank Osei", "Internal audit", "auditor"),
    "gina": ("Gina Rossi", "Head of social", "social_lead"),
    "hana": ("Hana Sato", "Counsel", ""),
}
POSTS = [
    (
        "Winter rates, what changes on 1 December",
        """From 1 December, instant transfers cost 0.20 €. Everything else stays free.

We looked for a way around it for a year. Here is what we found, and what you can do instead.""",
    ),
    (
        "The people behind the night desk",
        "At 3 a.m. somebody in Lyon loses a card, and Amadou picks up. Six of them keep the night desk open.",
    ),
    (
        "Your five most asked questions",
        "You asked, we answer: the five questions of this week, from lost cards to holiday hours.",
    ),
    ("Closed on Thursday in Lyon", "Our Lyon branch is closed on Thursday. The app and the hotline stay open."),
    (
        "We are hiring in Madrid",
        "Two engineers and one designer for the Madrid office. Remote days are yours to choose.",
    ),
    ("Half price for students", "From Monday, students pay half. Bring your card or your word."),
]
SAID = [
    ("marie.colas", "Marie Colas", "Hi, I paid 84.90 € and it shows twice in my bank app. Can someone look?", 200),
    ("j.osei", "J. Osei", "Is the Lyon store open on the 26th? The site says two different things.", 95),
    ("techforum", "Tech Forum Daily", "We are writing about fee changes and would like a comment before 15:00.", 40),
    ("sofiak", "Sofia K.", "Thank you, that solved it in one minute. Wow.", 30),
    ("dario", "Dario Moretti", "Is there an export of my statements older than two years?", 12),
]


@dataclass
class Company:
    password: str = PASSWORD
    people: dict = field(default_factory=dict)
    channels: dict = field(default_factory=dict)
    posts: list = field(default_factory=list)
    examples: dict = field(default_factory=dict)  # what a page of this kind can be opened with, by a word


def found() -> Company:
    """The company, in the database at hand."""
    company = Company()
    _hire(company)
    _open_channels(company)
    _write(company)
    _hang(company)
    _bring(company)
    _connect_a_tool(company)
    _take_in(company)
    _receive(company)
    _let_go(company)
    _review(company)
    _hold(company)
    return company


def _hire(company: Company) -> None:
    from accounts import inviting, people

    for key, (name, title, role) in CAST.items():
        person = factories.person(key, *([role] if role else []))
        factories.user(person, PASSWORD)
        company.people[key] = people.change_person(person, factories.erin(), name=name, title=title)
    factories.person("ines", "admin")
    newcomer = people.add_person("Tomás Vidal", "tomas@example.test", factories.erin(), title="Agency, Madrid")
    token = inviting.link(inviting.invite(newcomer, factories.erin())).rstrip("/").rpartition("/")[2]
    company.examples["invitation"] = token


def _open_channels(company: Company) -> None:
    from channels_registry.models import AccessGrant, Connection, NetworkIdentity

    who = company.people
    for key, network, handle, name, audience in [
        ("blue", "bluesky", "acme.example", "Acme", 84_112),
        ("france", "mastodon", "acme_fr@social.example", "Acme France", 12_340),
        ("careers", "sandbox", "acmecareers", "Acme Careers", 2_209),
    ]:
        channel = factories.channel(network, owner=who["gina"], handle=handle, name=name)
        channel.audience_size, channel.purpose = audience, "Customers, journalists, future colleagues"
        channel.save()
        company.channels[key] = channel
        connection = Connection.objects.create(
            channel=channel, state="pending", sealed_secrets=b"", key_id="test", remote_id=f"did:{handle}",
            handle=handle, authorised_by=who["erin"], proven_at=timezone.now(),
            expires_at=timezone.now() + timedelta(days=6),
        )  # fmt: skip
        connection.state = "live"
        connection.save()
        for name, right in [("alice", "author"), ("bob", "approver"), ("hana", "approver"), ("gina", "publisher"),
                            ("dana", "publisher"), ("alice", "publisher"), ("alice", "responder"),
                            ("bob", "responder"), ("dana", "responder"), ("gina", "approver")]:  # fmt: skip
            factories.grant(channel, who[name], right)
    blue = company.channels["blue"]
    factories.grant(blue, who["dana"], "app password", door="app_password", label="dana-phone")
    factories.grant(blue, who["dana"], "holder", door="shared_login", label="Canva")
    identity = NetworkIdentity.objects.create(network="mastodon", remote_id="77", handle="dpetrov", name="D. Petrov")
    company.examples |= {"identity": identity, "channel": blue, "connection": blue.connections.get()}
    _keep_elsewhere(company, blue, identity)
    _ask_for_access(company, blue)
    company.examples["webhooked"] = company.channels["careers"]
    company.examples["standing_grant"] = AccessGrant.objects.filter(person=who["alice"], channel=blue).first()


def _ask_for_access(company: Company, blue) -> None:
    from governance import breaking_glass, requesting

    hana, alice = company.people["hana"], company.people["alice"]
    company.examples["access_request"] = requesting.ask(hana, blue, "publisher", "Stands in for a week", 7)
    company.examples["break_glass"] = breaking_glass.ask(alice, blue, "manager", "A false post", "INC-1", 60)


def _keep_elsewhere(company: Company, blue, identity) -> None:
    """A login that several know, a tool with a seat, and somebody over there whom nobody knows."""
    from channels_registry import drifting, seating, sharing
    from channels_registry.models import AccessGrant, Finding

    who, erin = company.people, factories.erin()
    login = sharing.add_login(erin, "The desk", "Vault: Desk", [blue], who["gina"])
    sharing.share(login, who["alice"], "full access", erin, "Night desk")
    tool = seating.register_tool(erin, "Canva", who["gina"], [blue])
    seating.seat(tool, who["alice"], "editor", erin, "Pictures")
    company.examples |= {"login": login, "tool": tool}
    company.examples["rotation"] = sharing.rotate(login, who["gina"], "Changed, the old one is refused.")
    AccessGrant.objects.create(
        channel=blue, identity=identity, door="role", entitlement="editor", source="observed", remote_id="77",
        starts_at=timezone.now(), last_proven_at=timezone.now(),
    )  # fmt: skip
    drifting.level()
    company.examples["finding"] = Finding.objects.get(channel=blue)
    ends = timezone.now() + timedelta(days=5)
    company.examples["ending_grant"] = factories.grant(blue, who["bob"], "viewer", expires_at=ends)


def _write(company: Company) -> None:
    from publishing import approving, autosaving, campaigning, commenting, drafting, phrasing, scheduling, submitting

    who, channels = company.people, list(company.channels.values())
    now = timezone.now()
    company.posts = [
        drafting.create_post(who["alice"], channels[: 1 + i % 3], text, title) for i, (title, text) in enumerate(POSTS)
    ]
    first, night, asked, closed, hiring, students = company.posts
    soon = now + timedelta(minutes=100)
    company.examples["approval"] = submitting.submit(first, who["alice"], who["bob"], "brand", soon)
    submitting.submit(students, who["alice"], who["hana"], "legal", now + timedelta(hours=30))
    for i, post in enumerate((night, asked, closed)):
        approval = submitting.submit(post, who["alice"], who["bob"], "facts", now + timedelta(hours=4 + 5 * i))
        approving.approve(approval, who["bob"], approval.revision.hash)
        for variant in post.variants.all():
            at = _wall(now + timedelta(hours=4 + 5 * i))
            company.examples["publication"] = scheduling.schedule(variant, at, "UTC", who["dana" if i == 2 else "gina"])
    returned = submitting.submit(hiring, who["alice"], who["bob"], "facts")
    approving.request_changes(returned, who["bob"], returned.revision.hash, "Say that the office opens in March.")
    company.examples["campaign"] = campaigning.create(who["alice"], "Spring fair", goal="Four hundred visitors")
    company.examples["variant"], company.examples["scheduled_post"] = night.variants.first(), night
    _arrange(company)
    company.examples["draft"] = drafting.create_post(
        who["alice"], channels[:2], "A first thought about the spring fair.", "Spring fair"
    )
    company.examples["comment"] = commenting.open_thread(company.examples["draft"], who["alice"], "Is it in May?")
    company.examples["phrase_rule"] = phrasing.add_rule(who["gina"], "risk free", "banned", "Nothing is.")
    company.examples["snippet"] = phrasing.save_snippet(who["alice"], "Hours", "Mon to Fri, 9 to 17.")
    unsaved = {"text": ["A second thought about the spring fair."]}
    company.examples["unsaved"] = autosaving.keep(company.examples["draft"], who["alice"], uuid4(), unsaved, 1)


def _hang(company: Company) -> None:
    from publishing import storing
    from publishing.models import LinkCard

    about = {"title": "Night desk", "alt_text": "Six people at desks, the window behind them dark."}
    asset = storing.upload(company.people["alice"], files.handed_in(files.jpeg()), **about)
    now, file = timezone.now(), asset.file.name
    company.examples["card"] = LinkCard.objects.create(
        url="https://fernhill.example/night", asked_by=company.people["alice"], asked_at=now, read_at=now,
        title="The night desk", file=file, mime=asset.mime, sha256="c" * 64,
    )  # fmt: skip
    company.examples |= {"asset": asset, "rendition": asset.renditions.get(format="original")}


def _connect_a_tool(company: Company) -> None:
    """The chat is told what goes out."""
    from accounts import subscribing

    erin = company.people["erin"]
    endpoint, _ = subscribing.add_endpoint(erin, "https://hooks.example.org/acme", ["publishing"], "Our chat")
    company.examples |= {"endpoint": endpoint, "told": subscribing.send_test(endpoint, erin)}


def _bring(company: Company) -> None:
    """A file with one row that is right, and one that is wrong."""
    from publishing import importing

    rows = [(company.channels["blue"].pk, "Spring is near."), ("nowhere", "Spring is here.")]
    data = csv_bytes(("channels", "text"), rows)
    made = importing.read(company.people["alice"], SimpleUploadedFile("spring.csv", data), "spring.csv")
    importing.check(made, company.people["alice"], made.mapping, "UTC")
    importing.work_due()
    company.examples["import"] = made
    _bring_channels(company)


def _bring_channels(company: Company) -> None:
    from channels_registry import importing

    erin, rows = company.people["erin"], [("sandbox", "acme-oslo", "gina@example.test"), ("myspace", "acme", "")]
    data = csv_bytes(("network", "handle", "owner"), rows)
    made = importing.read(erin, SimpleUploadedFile("channels.csv", data), "channels.csv")
    importing.check(made, erin, made.mapping)
    importing.work_due()
    company.examples["channel_import"] = made
    _propose(company)


def _propose(company: Company) -> None:
    from channels_registry import proposing

    who = company.people
    company.examples["channel_proposal"] = proposing.propose(
        who["alice"], "sandbox", "acme-repairs", "Acme repairs", who["gina"], "People ask how to mend things.",
        "Owners of our things", backup_owner=who["alice"],
    )  # fmt: skip
    _unmask(company)


def _unmask(company: Company) -> None:
    from channels_registry import impersonating

    who, blue = company.people, company.channels["blue"]
    picture = SimpleUploadedFile("seen.png", b"\x89PNG\r\n\x1a\n picture")
    company.examples["impostor"] = impersonating.report(
        who["alice"], "tiktok", "acme_0fficial", "It promises vouchers.", imitates=blue, file=picture
    )
    stray = impersonating.report(who["alice"], "sandbox", "acme-canteen", "The canteen of Oslo posts its menu.")
    company.examples["impostor_rogue"] = impersonating.decide(stray, "rogue", who["gina"], "The canteen says so.")


def _take_in(company: Company) -> None:
    from publishing import taking_in

    intake, _ = taking_in.open_form(company.people["gina"], "Ask us for a post", [company.channels["blue"]])
    said = {"who": "Nora from the shop", "email": "nora@example.test", "what": "We open on Sundays.", "channels": []}
    company.examples |= {"intake": intake, "request": taking_in.take_in(intake, said)}


def _arrange(company: Company) -> None:
    """Who has to agree where the text promises something for good."""
    from accounts import covering
    from publishing import arranging

    who = company.people
    promises = arranging.create_workflow(who["gina"], name="Promises", words=["warranty", "lifelong"])
    step = {"name": "Lawyers", "remit": "legal", "position": 2, "people": [who["hana"]], "rule": "any"}
    company.examples["step"] = arranging.add_step(promises, who["gina"], **step, hours=8)
    company.examples["workflow"] = promises
    _ask_outside(company)
    today = timezone.now().date()
    company.examples["absence"] = covering.plan_absence(
        who["bob"], today + timedelta(days=20), today + timedelta(days=30), who["hana"]
    )


def _ask_outside(company: Company) -> None:
    """A lawyer without a seat, and the link she was sent."""
    from publishing import approving, arranging, drafting, linking, submitting
    from publishing.models import AgreementLink

    who = company.people
    company.examples["external"] = nora = linking.add_external(
        who["gina"], "Nora Lind", "nora@lawyers.test", "Lind & Co"
    )
    outside = arranging.create_workflow(who["gina"], name="Contracts", words=["terms of contract"])
    arranging.add_step(outside, who["gina"], name="Nora", remit="legal", position=2, externals=[nora])
    post = drafting.create_post(who["alice"], [company.channels["blue"]], "New terms of contract from May.", "Terms")
    asked = submitting.submit(post, who["alice"])
    approving.approve(asked, who["bob"], asked.revision.hash)
    company.examples["agreement_link"] = AgreementLink.objects.get()


def _receive(company: Company) -> None:
    from channels_registry.connector.types import InboundMessage
    from inbox import receiving, triaging
    from inbox.models import Conversation

    now = timezone.now()
    for i, (handle, name, text, ago) in enumerate(SAID):
        channel = list(company.channels.values())[i % 3]
        message = InboundMessage(
            remote_id=f"m{i}", thread_id=f"t{i}", kind="comment", author_id=f"u{i}", author_handle=handle,
            author_name=name, text=text, at=now - timedelta(minutes=ago),
        )  # fmt: skip
        receiving.ingest(channel, [message], "poll")
    first = Conversation.objects.get(thread_id="t0")
    triaging.assign(first, company.people["alice"], company.people["bob"])
    company.examples["conversation"] = first


def _let_go(company: Company) -> None:
    """Dana's departure lies behind us; its case is open."""
    from accounts.models import Departure
    from governance import evidence, offboarding, packing, preserving
    from governance.models import Erasure, OffboardingBatch, OffboardingCase

    factories.departed(company.people["dana"], timedelta(hours=3))
    departure = Departure.objects.get(person=company.people["dana"])
    offboarding.open_case(departure)
    offboarding.sweep()
    case = OffboardingCase.objects.get()
    batch = OffboardingBatch.objects.create(name="Agency, Madrid", owner=company.people["erin"])
    OffboardingCase.objects.filter(pk=case.pk).update(batch=batch)
    company.examples["case"], company.examples["batch"] = case, batch
    company.examples["door"] = case.doors.get(revocation__grant__label="Canva")
    company.examples["revocation"] = company.examples["door"].revocation
    company.examples["leaver"], company.examples["writer"] = company.people["dana"], company.people["alice"]
    company.examples["leaving"] = company.people["charlie"]
    factories.departed(company.people["charlie"], -timedelta(days=5))
    company.examples["evidence"] = evidence.export_access(company.people["erin"])
    packing.work_due()
    company.examples["evidence"].refresh_from_db()
    ines = factories.person("ines", "admin")
    company.examples["erasure"] = Erasure.objects.create(
        person=company.people["dana"], reason="Her letter of 3 May", asked_by=ines
    )
    company.examples["legal_hold"] = preserving.place(
        ines, "channel", "Dispute over the job advert", channel=company.channels["careers"]
    )


def _review(company: Company) -> None:
    """Two reviews of gina's channels: one is begun, one is decided and a door of it is to be looked at again."""
    from governance import attesting, deciding, populating, reviewing

    who, soon = company.people, timezone.now() + timedelta(days=9)
    for key, handle in (("review", "france"), ("reviewed", "careers")):
        review = reviewing.open_review(who["erin"], key, soon, scope={"channels": [company.channels[handle].pk]})
        populating.prepare(review)
        review.refresh_from_db()
        company.examples[key] = review
    for item in company.examples["reviewed"].items.select_related("review", "reviewer"):
        deciding.decide(deciding.show(item, item.reviewer), item.reviewer, "certified", "Still works on it")
    sample = attesting.draw_sample(company.examples["reviewed"], who["erin"], who["hana"], 2)
    asked, other = company.examples["review"].items.filter(reviewer=who["gina"]).order_by("pk")[:2]
    decided = deciding.decide(other, who["gina"], "certified", "Still works on it")
    company.examples |= {"review_item": asked, "decided_item": decided}
    company.examples |= {"sample": sample, "drawn": sample.items.first()}


def _hold(company: Company) -> None:
    from channels_registry import keeping as crossing
    from channels_registry.queries import narrowing
    from publishing import feeding, holding, keeping, noting, queueing, silencing
    from publishing.queries.calendar import Filters

    who, later = company.people, timezone.now() + timedelta(days=20)
    company.examples["slot"] = queueing.add_slot(company.channels["blue"], 1, time(9), who["gina"])
    company.examples["blackout"] = silencing.declare_blackout(
        who["gina"], later, later + timedelta(days=1), "Results are published"
    )

    company.examples["note"] = noting.add_note(who["alice"], "Spring fair", later.date())
    company.examples["matrix_view"] = crossing.save_view(
        who["erin"], "Administrators", narrowing.Filters(level="admin")
    )
    company.examples["saved_view"] = keeping.save_view(who["alice"], "Mine", "week", Filters())
    company.examples["feed"], _ = feeding.make_feed(who["alice"], "My phone", Filters())
    reason = "A customer’s complaint about the job advert is being looked into."
    company.examples["hold"] = holding.place(company.people["gina"], reason, channel=company.channels["careers"])
    company.examples["hold_task"] = company.examples["hold"].tasks.first()


def _wall(at: datetime) -> datetime:
    return at.astimezone(UTC).replace(tzinfo=None, second=0, microsecond=0)
