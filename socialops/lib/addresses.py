"""Mail addresses as mailboxes: what reaches the same person."""


def mailbox(address: str) -> str:
    """In small letters, without what stands after a plus sign: alice+x@example.org is alice@example.org."""
    local, _, domain = address.strip().casefold().rpartition("@")
    return f"{local.partition('+')[0]}@{domain}"


def same_mailbox(one: str, other: str) -> bool:
    return mailbox(one) == mailbox(other)
