"""What several posts are for, and what is added to their links."""

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

from django.db import models
from django.db.models import Q

from channels_registry.connector.text import LINK

MOST_PARAMETERS = 12
PARAMETER = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,39}")
PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
PLACEHOLDERS = ("network", "channel", "campaign")


class Campaign(models.Model):
    """A goal with a time. `link_rule` maps a query parameter to its value, in which {network}, {channel} and {campaign}
    stand for what they say; it is added to the links of the campaign's posts.
    """

    name = models.CharField(max_length=120)
    goal = models.CharField(max_length=300, blank=True, default="")
    audience = models.CharField(max_length=300, blank=True, default="")
    starts_on = models.DateField(null=True, blank=True)
    ends_on = models.DateField(null=True, blank=True)
    budget_code = models.CharField(max_length=40, blank=True, default="")
    link_rule = models.JSONField(default=dict, blank=True)
    owner = models.ForeignKey("accounts.Person", models.PROTECT, related_name="campaigns")
    created_at = models.DateTimeField(auto_now_add=True)
    archived_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["name"], condition=Q(archived_at=None), name="one_campaign_a_name"),
            models.CheckConstraint(
                condition=Q(starts_on=None) | Q(ends_on=None) | Q(ends_on__gte=models.F("starts_on")),
                name="a_campaign_ends_after_it_starts",
            ),
        ]

    def __str__(self):
        return self.name


def problems_of_rule(rule: Mapping[str, str]) -> dict[str, str]:
    """What is wrong with a link rule, by parameter, each a sentence for whoever wrote it. Empty: nothing."""
    found = {name: problem for name, value in rule.items() if (problem := _problem(name, value))}
    if len(rule) > MOST_PARAMETERS:
        found.setdefault(list(rule)[MOST_PARAMETERS], f"At most {MOST_PARAMETERS} parameters are added to a link.")
    return found


def with_rule(url: str, rule: Mapping[str, str], *, network: str, channel: str, campaign: str) -> str:
    """The address with what the rule adds. A parameter that the address has already stays as its author wrote it.

    `network` is a slug, `channel` a handle, `campaign` a name; each is written as a plain lower-case word.
    """
    said = {"network": _word(network), "channel": _word(channel), "campaign": _word(campaign)}
    parts = urlsplit(url)
    there = {name for name, _ in parse_qsl(parts.query, keep_blank_values=True)}
    added = {name: PLACEHOLDER.sub(lambda hit: said.get(hit[1], hit[0]), rule[name]) for name in rule.keys() - there}
    more = urlencode([(name, added[name]) for name in rule if name in added], quote_via=quote)
    return urlunsplit(parts._replace(query="&".join(part for part in (parts.query, more) if part)))


def links_of(post) -> dict[str, Any]:
    """What the post's campaign adds to its links as it stands now: {"rule", "campaign"}. Empty: nothing."""
    campaign = post.campaign
    return {"rule": campaign.link_rule, "campaign": campaign.name} if campaign and campaign.link_rule else {}


def linked(text: str, links: Mapping[str, Any], channel) -> str:
    """The text with what `links` adds to each link. Once more changes nothing."""

    def added(found) -> str:
        names = {"network": channel.network, "channel": channel.handle, "campaign": links["campaign"]}
        try:
            return with_rule(found[0], links["rule"], **names)
        except ValueError:  # it looks like an address, and is none
            return found[0]

    return LINK.sub(added, text)


def _problem(name: str, value: str) -> str:
    if not PARAMETER.fullmatch(name):
        return f"“{name}” cannot be a parameter. Begin with a letter and use letters, digits, _ . and - only."
    if not value.strip() or len(value) > 120:
        return f"Give “{name}” a value of up to 120 characters."
    unknown = [word for word in PLACEHOLDER.findall(value) if word not in PLACEHOLDERS]
    if unknown or "{" in PLACEHOLDER.sub("", value) or "}" in PLACEHOLDER.sub("", value):
        known = ", ".join(f"{{{word}}}" for word in PLACEHOLDERS)
        what = f"{{{unknown[0]}}} means nothing here." if unknown else "A { or } stands alone."
        return f"{what} Use {known}."
    return ""


def _word(text: str) -> str:
    return re.sub(r"[^\w.@]+", "-", re.sub("[’']", "", text.strip().lower())).strip("-")
