"""Somebody from outside: the mail that they get, and their way through the door."""

import re

from django.test import Client

from accounts.delivering import _body
from accounts.models import MailDelivery
from publishing import approving, arranging, submitting
from publishing.models import AgreementLink


def with_lawyers(gina, bob, *externals):
    """A workflow in which bob answers for the facts, and those from outside for the law."""
    made = arranging.create_workflow(gina, name="With lawyers")
    arranging.change_step(made.steps.get(), gina, name="Facts", anyone=False, people=[bob])
    arranging.add_step(made, gina, name="Lawyers", remit="legal", position=2, externals=list(externals))
    return made


def asked_outside(post, alice, bob) -> AgreementLink:
    """bob agreed; the lawyers got their link."""
    approval = submitting.submit(post, alice)
    approving.approve(approval, bob, approval.revision.hash)
    links = AgreementLink.objects.select_related("ask__stage__approval__revision", "ask__external")
    return links.filter(ask__stage__approval=approval).earliest("pk")


def mailed(to="nora@lawyers.test") -> str:
    """The last mail to this address, as it leaves."""
    return _body(MailDelivery.objects.filter(to=to).latest("id"))


def path_of(body: str) -> str:
    return re.search(r"/agreements/\S+", body).group(0)


def through_the_door(path: str, to="nora@lawyers.test") -> tuple[Client, str]:
    """The page with the post, for whoever reads the mails to this address."""
    client = Client()
    client.post(path, {"act": "code"})
    code = re.search(r"\b\d{6}\b", mailed(to)).group(0)
    return client, client.post(path, {"act": "open", "code": code}, follow=True).content.decode()
