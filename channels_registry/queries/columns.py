"""Which column of a file says what about a channel: the fields there are, and a guess from the headers."""

from collections.abc import Mapping, Sequence

from socialops.lib.sheets import guess, twice

# field: its label, which an export writes, and further headers that mean it
FIELDS: dict[str, tuple[str, tuple[str, ...]]] = {
    "network": ("Network", ("platform", "social network", "netzwerk", "plattform", "reseau", "red")),
    "handle": ("Handle", ("account", "username", "profile", "user name", "konto", "compte", "cuenta")),
    "name": ("Name", ("channel", "channel name", "display name", "title", "kanal", "canal")),
    "url": ("Address", ("url", "link", "address of its page", "page", "adresse", "lien")),
    "purpose": ("What it is for", ("purpose", "description", "zweck", "objet")),
    "kind": ("Whose voice it is", ("kind", "type", "voice", "art")),
    "brand": ("Brand", ("marke", "marque", "marca")),
    "region": ("Region", ("market", "country", "land", "pays", "pais")),
    "language": ("Language", ("lang", "locale", "sprache", "langue", "idioma")),
    "legal_entity": ("Legal entity", ("entity", "company", "gesellschaft", "societe")),
    "time_zone": ("Time zone", ("tz", "timezone", "zeitzone")),
    "audience_size": ("Followers", ("audience", "audience size", "fans", "subscribers", "abonnenten")),
    "regulated": ("Regulated", ("speaks for a regulated entity",)),
    "crisis_voice": ("Speaks in a crisis", ("crisis", "crisis voice")),
    "runs_ads": ("Advertises", ("ads", "paid", "runs ads", "can spend on advertising")),
    "verification": ("Verified", ("verification", "verified badge", "badge", "verifiziert")),
    "verified_since": ("Verified since", ("verification date",)),
    "verification_evidence": ("Where that can be seen", ("verification evidence", "evidence")),
    "closing_procedure": ("How it is closed", ("closing procedure", "closing")),
    "state": ("State", ("status",)),
    "review_due": ("Review by", ("review date", "next review", "review due")),
    "owner": ("Owner", ("owner e-mail", "channel owner", "besitzer", "responsable")),
    "backup_owner": ("Backup", ("backup owner", "deputy", "backup e-mail", "vertretung")),
    "manager": ("Managers", ("manager", "admins", "administrators")),
    "publisher": ("Publishers", ("publisher", "can publish")),
    "approver": ("Approvers", ("approver", "can approve")),
    "author": ("Authors", ("author", "writers", "can write", "editors")),
    "responder": ("Responders", ("responder", "can answer", "agents")),
    "viewer": ("Viewers", ("viewer", "can see")),
}
RIGHTS = ("manager", "publisher", "approver", "author", "responder", "viewer")
PEOPLE = ("owner", "backup_owner")
LABELS = {name: label for name, (label, _) in FIELDS.items()}


def guessed(headers: Sequence[str]) -> dict[str, int]:
    return guess({name: (label, *words) for name, (label, words) in FIELDS.items()}, headers)


def problems_of_mapping(mapping: Mapping[str, int]) -> dict[str, str]:
    """What is missing for there to be channels, by field. Empty: nothing."""
    needed = {"network": "Choose the column that says on which network.", "handle": "Choose the column of the handles."}
    return {name: words for name, words in needed.items() if name not in mapping} | twice(mapping)
