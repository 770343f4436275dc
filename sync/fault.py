"""A value that can't pass from one side to the other."""


class Fault(Exception):
    """Why a value can't pass. `code` is one of `sync.errors.CODES`; the text continues "<column> <value> ..."."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code
        self.text = text
