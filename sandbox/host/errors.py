"""What keeps the host from starting."""


class HostError(Exception):
    """The app, its settings or its host.json can't be served; the text names the function, setting or key."""


class UnknownToHost(HostError):
    """The real host knows this and this one doesn't: it is refused and listed as a gap of the given kind."""

    def __init__(self, kind: str, what: str) -> None:
        super().__init__(f"the sandbox does not imitate {kind} {what}")
        self.kind = kind
        self.what = what
