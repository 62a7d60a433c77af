"""The demo company, as `manage.py demo` makes it, with an object to open every page with. For pictures, axe and counts.

It moves in once a run, into a database that every process of the run clones; what the demo's first minutes have not
(a hold, an export, an invitation) is added through the verbs.
"""

import fcntl
from collections.abc import Iterator
from contextlib import ExitStack
from io import StringIO
from typing import TYPE_CHECKING

import pytest
from django.utils import timezone

from tests.processes import Processes
from tests.servers import TEMPLATE as EMPTY
from tests.servers import OwnServers, switch_to

if TYPE_CHECKING:  # conftest imports this before the settings load
    from tests.company import Company

TEMPLATE = "socialops_demo"


@pytest.fixture(scope="module")
def demo_database(own_servers, django_db_setup, django_db_blocker, sandbox_server) -> Iterator[str]:
    """A module's own copy of the company's database, for its tests to read; the value is its DATABASE_URL."""
    from django.db import connection

    with django_db_blocker.unblock():
        outer = connection.settings_dict["NAME"]
        name = f"{outer}_demo"
        _move_in(own_servers, sandbox_server.url)
        own_servers.clone(TEMPLATE, name)
        switch_to(name)
        yield own_servers.database_url(name)
        switch_to(outer)
        own_servers.drop(name)


@pytest.fixture(scope="module")
def demo(demo_database) -> "Company":
    """The company in this process: its people, and what every page can be opened with."""
    from tests.pages import give_second_factor

    company = found()
    give_second_factor(company)
    return company


@pytest.fixture(scope="module")
def demo_site(demo, demo_database, tmp_path_factory) -> Iterator[str]:
    """The address of a web process in which the company works."""
    with ExitStack() as stack:
        yield Processes(tmp_path_factory.mktemp("site"), stack, {"DATABASE_URL": demo_database}).web().url


def _move_in(own_servers: OwnServers, sandbox: str) -> None:
    """Fill the template with the company, unless another process of this run has done it."""
    from django.core.management import call_command
    from django.db import connection

    with (own_servers.home / "demo.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if own_servers.exists(TEMPLATE):
            return
        outer, half = connection.settings_dict["NAME"], TEMPLATE + "_new"
        own_servers.drop(half)
        own_servers.clone(EMPTY, half)
        switch_to(half)
        call_command("demo", sandbox=sandbox, stdout=StringIO())
        switch_to(outer)
        own_servers.execute(f'ALTER DATABASE "{half}" RENAME TO "{TEMPLATE}"')


def found() -> "Company":
    """Who is there, and what every page can be opened with."""
    from accounts.models import Person
    from channels_registry.models import Channel
    from socialops.management.company.live import FLAGSHIPS
    from socialops.management.company.people import CAST, PASSWORD
    from tests.company import Company

    company = Company(password=PASSWORD)
    company.people = {login.key: Person.objects.get(email=f"{login.key}@example.test") for login in CAST}
    company.channels = {handle: Channel.objects.get(network="sandbox", handle=handle) for handle, *_ in FLAGSHIPS}
    company.examples |= _people(company) | _access(company) | _posts(company) | _conversation(company) | _asked(company)
    company.examples |= _outside()
    return company


def _people(company: "Company") -> dict:
    from accounts import inviting, people, subscribing
    from tests import factories

    erin = company.people["erin"]
    newcomer = people.add_person("Tomás Vidal", "vidal@example.test", erin, title="Agency, Madrid")
    token = inviting.link(inviting.invite(newcomer, erin)).rstrip("/").rpartition("/")[2]
    endpoint, _ = subscribing.add_endpoint(
        erin, "https://hooks.example.org/fernhill", ["publishing", "inbox"], "Our chat"
    )
    subscribing.send_test(endpoint, erin)
    told = {"endpoint": endpoint, "invitation": token}
    told |= factories.directory()
    return {**told, "writer": company.people["alice"], "leaving": company.people["dana"]}


def _access(company: "Company") -> dict:
    from channels_registry.models import ChannelImport, ChannelProposal, ImpostorReport
    from governance import evidence, packing, preserving
    from governance.models import OffboardingBatch, OffboardingCase

    channel = company.channels["fernhill"]
    bundle = evidence.export_access(company.people["erin"])
    preserving.place(company.people["erin"], "channel", "Dispute over the spring prices", channel=channel)
    packing.work_due()
    bundle.refresh_from_db()
    case = OffboardingCase.objects.exclude(person=company.people["dana"]).get()
    batch = OffboardingBatch.objects.create(name="Agency, Madrid", owner=company.people["erin"])
    OffboardingCase.objects.filter(pk=case.pk).update(batch=batch)
    return {
        "channel": channel,
        "channel_import": ChannelImport.objects.get(),
        "channel_proposal": ChannelProposal.objects.order_by("pk").last(),
        "impostor": ImpostorReport.objects.order_by("pk").first(),
        "webhooked": channel,
        "connection": channel.connections.get(),
        "standing_grant": channel.grants.filter(person=company.people["alice"]).first(),
        "case": case,
        **_kept(channel),
        "batch": batch,
        "leaver": case.person,
        "revocation": case.doors.order_by("pk").last().revocation,
        "evidence": bundle,
        **_reviews(company),
    }


def _reviews(company: "Company") -> dict:
    from governance.models import AccessReview, ReviewSample

    running = AccessReview.objects.get(state="open")
    waits = running.items.filter(reviewer=company.people["gina"], state="open", door="right").first()
    return {"review": running, "review_item": waits, "sample": ReviewSample.objects.get()}


def _kept(channel) -> dict:
    from channels_registry.models import Finding, SharedLogin, Tool
    from governance.models import AccessRequest, BreakGlass

    return {
        "login": SharedLogin.objects.filter(reaches=channel).first(),
        "tool": Tool.objects.filter(reaches=channel).first(),
        "finding": Finding.objects.filter(kind="level").first(),
        "access_request": AccessRequest.objects.get(),
        "break_glass": BreakGlass.objects.get(),
        "ending_grant": channel.grants.filter(expires_at__isnull=False, revoked_at=None).first(),
    }


def _posts(company: "Company") -> dict:
    from publishing import holding
    from publishing.models import (
        Approval,
        ApprovalStep,
        ApprovalWorkflow,
        Asset,
        Blackout,
        Campaign,
        Import,
        Note,
        Post,
        Publication,
        Slot,
        Variant,
    )

    reason = "A customer’s complaint about the job advert is being looked into."
    return {
        "import": Import.objects.get(),
        "draft": Post.objects.get(title="Three jobs in our repair shop", state="draft"),
        "approval": Approval.objects.get(post__title="Free repairs end on 31 December, what changes"),
        "discussed": Post.objects.get(title="Free repairs end on 31 December, what changes"),
        "variant": Variant.objects.get(post__title="Zips, tested ten thousand times"),
        "publication": Publication.objects.filter(variant__post__title="Half sizes").first(),
        "campaign": Campaign.objects.get(name="Repair, don’t replace"),
        "workflow": ApprovalWorkflow.objects.get(name="Promises"),
        "step": ApprovalStep.objects.get(name="Lawyers"),
        "scheduled_post": Post.objects.get(title="Half sizes"),
        "asset": Asset.objects.get(title="Ridge at dawn"),
        "blackout": Blackout.objects.get(),
        "note": Note.objects.first(),
        "repeating": Variant.objects.get(post__title="The repair shop is open today"),
        "queued": Slot.objects.first().channel,
        "published": _out(company),
        "hold": holding.place(company.people["gina"], reason, channel=company.channels["fernhill-careers"]),
    }


def _out(company: "Company"):
    """Something that is out, on a channel on which alice publishes."""
    from publishing.models import Publication

    planned = Publication.objects.filter(variant__post__title="We answer until 22:00 this week")
    planned.update(state="sending", lease_until=timezone.now())
    planned.update(state="done", lease_until=None, remote_id="p1", remote_url="https://example.test/p1")
    return planned.get()


def _conversation(company: "Company") -> dict:
    """The longest one that alice may answer."""
    from django.db.models import Count

    from channels_registry.permissions import channels_with
    from inbox.models import Conversation

    hers = Conversation.objects.filter(channel__in=channels_with(company.people["alice"], "answer"))
    return {"conversation": hers.annotate(length=Count("messages")).order_by("-length", "pk").first()}


def _asked(company: "Company") -> dict:
    from publishing import taking_in
    from publishing.models import PostRequest

    _, link = taking_in.open_form(company.people["gina"], "Ask Fernhill for a post", company.channels.values())
    request = PostRequest.objects.filter(state="received").first()
    links = {"asking": link, "asked": taking_in.status_link(request)}
    return {"request": request} | {name: each.rstrip("/").rpartition("/")[2] for name, each in links.items()}


def _outside() -> dict:
    """The link of whoever is asked from outside, and the proof that she typed her code."""
    from publishing import linking
    from publishing.models import AgreementLink

    AgreementLink.objects.update(code_sent_at=None)  # the last code was sent when the company moved in
    token = linking.address(AgreementLink.objects.get()).rstrip("/").rpartition("/")[2]
    return {"outside": token, "proof": linking.check_code(token, linking.code_of(linking.send_code(token)))}
