"""Error numbers of the reference that no test raises, each with the reason."""

NOT_IMITATED: dict[str, dict[int, str]] = {}
