"""The composer: what of a post its author writes. The rules are in the verbs; this reads and keeps what was typed."""

from itertools import groupby
from typing import Any, cast

from django import forms
from django.db.models import Q
from django.http import QueryDict

from accounts.models import Person
from channels_registry import permissions as channel_permissions
from channels_registry.models import Channel
from publishing.forms.fields import CardLinkField, TagsField, TextsField, lines, offer
from publishing.models import Campaign
from socialops.lib.numbers import number, numbers


class PostForm(forms.Form):
    """The composer: the master, the channels, and each channel's own text (empty inherits the master) and placement."""

    text = forms.CharField(
        label="What do you want to say?", strip=False,
        widget=forms.Textarea(attrs={"rows": 8, "class": "master"}),
    )  # fmt: skip
    title = forms.CharField(
        label="Title", required=False, max_length=140, help_text="For finding it here. It is never published."
    )
    why_now = forms.CharField(
        label="Why now?", required=False, max_length=300, help_text="One sentence for the person who approves it."
    )
    channels = forms.ModelMultipleChoiceField(
        Channel.objects.none(), label="Channels", required=False, widget=forms.CheckboxSelectMultiple
    )
    campaign = forms.ModelChoiceField(
        Campaign.objects.none(), required=False, empty_label="None", help_text="What it adds to links is shown at once."
    )
    tags = TagsField(required=False, help_text="For finding it here, with commas between. They are never published.")
    card_link = CardLinkField()
    expected_revision = forms.IntegerField(widget=forms.HiddenInput, required=False, min_value=0, max_value=2**31 - 1)
    tab = forms.UUIDField(widget=forms.HiddenInput, required=False)  # which page this is; a script says so
    restored = forms.IntegerField(widget=forms.HiddenInput, required=False)  # the unsaved text that stands here

    def __init__(self, *args, person: Person, chosen: list[Channel] | None = None, **kwargs):
        super().__init__(*args, **kwargs)
        own = Channel.objects.filter(pk__in=[c.pk for c in chosen or []])
        offered = channel_permissions.channels_with(person, "draft").exclude(state="archived") | own
        rights = {f"may_{right}": _may(person, right) for right in ("draft", "publish")}
        self.offered = offer(self, "channels", offered.annotate(**rights).order_by("network", "name"))
        its = Q(pk=number(str(self["campaign"].value() or "")))
        offer(self, "campaign", Campaign.objects.filter(Q(archived_at=None) | its).order_by("name"))
        for channel in self.asked_for(chosen or []):
            self.fields[f"variant_{channel.pk}"] = forms.CharField(
                label=f"Another text for {channel.name}",
                required=False,
                strip=False,
                widget=forms.Textarea(attrs={"rows": 4}),
            )
            limits = channel.connector.limits
            if limits.thread:
                self.fields[f"thread_{channel.pk}"] = TextsField(label="Then, as a thread", required=False)
            if limits.first_comment:
                self.fields[f"comment_{channel.pk}"] = forms.CharField(
                    label="First comment", required=False, strip=False, widget=forms.Textarea(attrs={"rows": 2}),
                    help_text="It goes out under the post, as soon as that is out.",
                )  # fmt: skip
            places = [(place.slug, place.label) for place in channel.connector.placements]
            if len(places) > 1:
                self.fields[f"placement_{channel.pk}"] = forms.ChoiceField(
                    label=f"Where on {channel.name}", required=False, choices=places
                )
        texts = [str(self[name].value() or "") for name in self.fields if name == "text" or name.startswith("variant_")]
        self.has_links = cast(CardLinkField, self.fields["card_link"]).offer(texts)

    @property
    def channel_groups(self) -> list[tuple[str, list[tuple[Channel, bool]]]]:
        """The channels that may be ticked, with whether they are, by network; those with a tick come first."""
        ticked = {str(pk) for pk in self["channels"].value() or []}
        rows = ((channel, str(channel.pk) in ticked) for channel in self.offered)
        groups = ((network, list(group)) for network, group in groupby(rows, lambda row: row[0].network))
        first = [(network, sorted(group, key=lambda row: not row[1])) for network, group in groups]
        return sorted(first, key=lambda group: not group[1][0][1])

    def asked_for(self, chosen: list[Channel]) -> list[Channel]:
        """The channels whose own text may come with this form: those of the post, and those just ticked."""
        if not self.is_bound:
            return chosen
        ticked = numbers(cast(QueryDict, self.data).getlist("channels"))
        known = {c.pk: c for c in chosen}
        return list((known | {c.pk: c for c in self.offered.filter(pk__in=ticked)}).values())

    @property
    def own_texts(self) -> dict[int, str | None]:
        """By channel id, for the channels that are ticked. None inherits, as does the one whose button says so."""
        again = self.data.get("inherit", "")
        texts = {pk: "" if str(pk) == again else text for pk, text in self._own("variant").items()}
        return {pk: lines(text) if text.strip() else None for pk, text in texts.items()}

    @property
    def own(self) -> dict[str, dict]:
        """What else a ticked channel has of its own, as the verbs take it."""
        return {
            "placements": {pk: chosen for pk, chosen in self._own("placement").items() if chosen},
            "threads": self._own("thread"),
            "first_comments": {pk: lines(text) for pk, text in self._own("comment").items()},
        }

    def _own(self, kind: str) -> dict[int, Any]:
        named = {channel.pk: f"{kind}_{channel.pk}" for channel in self.cleaned_data["channels"]}
        return {pk: self.cleaned_data[name] for pk, name in named.items() if name in self.cleaned_data}

    @property
    def as_revision(self) -> dict[str, Any]:
        """The fields that were sent, as queries.merging.written_in has them of a revision."""
        found: dict[str, Any] = {
            name: self.cleaned_data[name] for name in ("text", "title", "why_now") if name in self.data
        }
        own = {"variant": self.own_texts, "comment": self.own["first_comments"], "thread": self.own["threads"]}
        for kind, values in {**own, "placement": self.own["placements"]}.items():
            found |= {f"{kind}_{pk}": value or ("" if kind != "thread" else []) for pk, value in values.items()}
        return {**found, "channels": {channel.pk for channel in self.cleaned_data["channels"]}}

    def agrees_with(self, campaign: Campaign | None, card_link: str) -> bool:
        """About what no revision has."""
        standing = {"campaign": campaign, "card_link": card_link}
        return all(self.cleaned_data[name] == value for name, value in standing.items() if name in self.data)

    @property
    def written(self) -> dict[str, list[str]]:
        """Everything that stands in the fields, to be kept as it is."""
        data = cast(QueryDict, self.data)
        return {name: data.getlist(name) for name in self.fields if name in data and name not in ("tab", "restored")}

    def clean_text(self) -> str:
        return lines(self.cleaned_data["text"])


def _may(person: Person, right: str) -> Q:
    return Q(pk__in=channel_permissions.channels_with(person, right).values("pk"))
