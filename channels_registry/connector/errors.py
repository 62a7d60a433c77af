"""What can go wrong with a network, in the only terms that matter: may something exist over there, and may we send
again?

Every error carries two strings: `reason` is for people (plain words, what to do), `detail` is for the log.
"""


class NetworkError(Exception):
    """Base of what a connector raises. Anything else that escapes a connector counts as `OutcomeUnknown`."""

    def __init__(self, reason: str, *, detail: str = "", status: int | None = None, request_id: str = ""):
        super().__init__(detail or reason)
        self.reason = reason
        self.detail = detail
        self.status = status
        self.request_id = request_id


class Refused(NetworkError):
    """The network said no and created nothing. Sending the same again will be refused again."""


class TryLater(NetworkError):
    """Nothing was created and the same may work later. `after` is the network's own wish in seconds, if it had one."""

    def __init__(self, reason: str, *, after: float | None = None, **kwargs):
        super().__init__(reason, **kwargs)
        self.after = after


class OutcomeUnknown(NetworkError):
    """It may exist over there: look before sending again."""


class Disconnected(NetworkError):
    """The credential is dead (or its access token ran out: `refresh` may revive it). Nothing was created."""
