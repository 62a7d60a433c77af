"""Fernhill's three hundred channels, and who can reach each through which door."""

from datetime import datetime, timedelta
from random import Random

from django.contrib.auth.models import Permission

from accounts.models import Person
from channels_registry import networks
from channels_registry.models import AccessGrant, Channel, ChannelUserPermission, NetworkIdentity
from channels_registry.models.access_grant import RIGHTS, Door
from channels_registry.queries.risk import score_of

BRANDS = ["Fernhill", "Fernhill Kids", "Fernhill Outdoor", "Fernhill Careers", "Fernhill Care"]
REGIONS = [
    ("France", "fr"),
    ("Germany", "de"),
    ("Spain", "es"),
    ("Italy", "it"),
    ("Poland", "pl"),
    ("Ireland", "en"),
    ("United States", "en"),
    ("Canada", "en"),
    ("Brazil", "pt"),
    ("Mexico", "es"),
    ("Japan", "ja"),
    ("Singapore", "en"),
    ("Sweden", "sv"),
    ("Norway", "no"),
    ("Denmark", "da"),
    ("Netherlands", "nl"),
    ("Belgium", "fr"),
    ("Austria", "de"),
    ("Switzerland", "de"),
    ("Portugal", "pt"),
]
PURPOSES = ["News and offers", "Customer care", "Jobs", "Stories from our workshops", "Store openings"]
ENTITIES = {"France": "Fernhill SAS", "Germany": "Fernhill GmbH", "United States": "Fernhill Inc."}
KINDS = {
    "News and offers": "brand", "Customer care": "care", "Jobs": "jobs", "Stories from our workshops": "brand",
    "Store openings": "local",
}  # fmt: skip
CLOSING = (
    "1. Tell the owner of the brand and customer care a week before.\n2. Save posts and messages of the last year.\n"
    "3. Say on the channel itself where people find us from then on.\n4. Shut every door, then deactivate the account."
)
PEOPLE_A_CHANNEL = 7  # owner, backup and a team of five
NATIVE_LEVELS = ["admin", "editor", "analyst"]


def open_channels(random: Random, people: dict[str, Person], now: datetime, count: int = 300) -> list[Channel]:
    """Every brand in every region on every network, as far as `count` goes."""
    staff = [person for key, person in people.items() if key not in {"charlie", "frank", "hana"}]
    slugs = networks.slugs()
    channels = []
    for number in range(count):
        brand = BRANDS[number // len(slugs) % len(BRANDS)]
        region, language = REGIONS[number // (len(slugs) * len(BRANDS)) % len(REGIONS)]
        owner, backup = random.sample(staff, 2)
        again = number // (len(slugs) * len(BRANDS) * len(REGIONS))
        handle = f"{brand}.{region}{again or ''}".lower().replace(" ", "-")
        purpose = PURPOSES[number // len(slugs) % len(PURPOSES)]
        verified = random.random() < 0.15
        channels.append(
            Channel(
                network=slugs[number % len(slugs)],
                handle=f"@{handle}",
                name=f"{brand} {region}",
                brand=brand,
                region=region,
                language=language,
                legal_entity=ENTITIES.get(region, "Fernhill International BV"),
                purpose=purpose,
                kind=KINDS[purpose],
                audience_size=int(random.lognormvariate(8.5, 1.4)),
                runs_ads=random.random() < 0.3,
                crisis_voice=random.random() < 0.12,
                regulated=brand == "Fernhill Care" and region in ("France", "Germany"),
                verification="yes" if verified else random.choice(["no", "unknown"]),
                verified_since=(now - timedelta(days=random.randint(100, 900))).date() if verified else None,
                verification_evidence="The network’s own badge on the page" if verified else "",
                closing_procedure=CLOSING if random.random() < 0.7 else "",
                review_due=(now + timedelta(days=random.randint(-12, 300))).date(),
                time_zone="UTC",
                owner=owner,
                backup_owner=backup if random.random() < 0.95 else None,
            )
        )
        channels[-1].risk_tier = score_of(channels[-1], holders=PEOPLE_A_CHANNEL).tier
    Channel.objects.bulk_create(channels)
    Channel.objects.filter(pk__in=[channel.pk for channel in channels]).update(created_at=now - timedelta(days=400))
    _grants(random, channels, staff, people["erin"], now)
    return channels


def _grants(random: Random, channels: list[Channel], staff: list[Person], erin: Person, now: datetime) -> None:
    grants: list[AccessGrant] = []
    identities: dict[tuple[str, int], NetworkIdentity] = {}
    for channel in channels:
        levels = ["author", "author", "responder", "approver", "publisher"]
        team = random.sample([p for p in staff if p not in (channel.owner, channel.backup_owner)], len(levels))
        managers = [(owner, "manager") for owner in (channel.owner, channel.backup_owner) if owner is not None]
        for person, level in [*managers, *zip(team, levels, strict=True)]:
            since = now - timedelta(days=random.randint(20, 390))
            grants.append(_right(channel, person, level, erin, since))
        for person in [channel.owner, *team[:2]]:
            identity = identities.setdefault((channel.network, person.pk), _identity(channel.network, person))
            grants.append(_native(channel, person, identity, random.choice(NATIVE_LEVELS), now))
    NetworkIdentity.objects.bulk_create(identities.values())
    AccessGrant.objects.bulk_create(grants)
    _permissions(grants)


def _right(channel: Channel, person: Person, level: str, by: Person, since: datetime) -> AccessGrant:
    return AccessGrant(
        channel=channel,
        person=person,
        door=Door.RIGHT,
        entitlement=level,
        granted_by=by,
        reason="Set up with the channel",
        starts_at=since,
        last_proven_at=since,
    )


def _identity(network: str, person: Person) -> NetworkIdentity:
    handle = person.email.split("@")[0]
    return NetworkIdentity(
        network=network,
        remote_id=f"history-{person.pk}",
        handle=handle,
        name=person.name,
        person=person,
        matched_by="rule",
    )


def _native(channel: Channel, person: Person, identity: NetworkIdentity, level: str, now: datetime) -> AccessGrant:
    return AccessGrant(
        channel=channel,
        person=person,
        identity=identity,
        door=Door.ROLE,
        entitlement=level,
        label=identity.handle,
        source=AccessGrant.Source.OBSERVED,
        starts_at=now - timedelta(days=300),
        last_proven_at=now - timedelta(days=1),
        remote_id=f"history-{channel.handle}-{person.pk}",
    )


def _permissions(grants: list[AccessGrant]) -> None:
    """Guardian's rows, for those who can sign in, exactly as access.grant writes them."""
    ids = {
        p.codename: p.pk
        for p in Permission.objects.filter(content_type__app_label="channels_registry", content_type__model="channel")
    }
    ChannelUserPermission.objects.bulk_create(
        ChannelUserPermission(
            user=grant.person.user, permission_id=ids[right], content_object=grant.channel, grant=grant
        )
        for grant in grants
        if grant.door == Door.RIGHT and hasattr(grant.person, "user")
        for right in RIGHTS[grant.entitlement]
    )
