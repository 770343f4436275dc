"""One request and one answer, apart from the server that carries them: direct ones and those inside a batch."""

import re
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

import simplejson
from multidict import CIMultiDict

from sandbox.dataverse.access import User
from sandbox.dataverse.environment import Origin
from sandbox.dataverse.errors import DataverseError, bad_query
from sandbox.door import Gaps

_PREFERENCES = {
    "return",
    "odata.maxpagesize",
    "odata.include-annotations",
    "odata.track-changes",
    "odata.continue-on-error",
}
MAX_PAGE = 5000


@dataclass(frozen=True)
class Preferences:
    """The `Prefer` header: `page` None means the server's own page size."""

    representation: bool = False
    page: int | None = None
    annotations: tuple[str, ...] = ()
    track: bool = False
    go_on: bool = False

    def applied(self, **honoured: bool) -> dict[str, str]:
        """The `Preference-Applied` header for what was honoured: `representation`, `page`, `track`, `go_on`; the
        annotations asked for always are."""
        texts = {
            "representation": "return=representation",
            "track": "odata.track-changes",
            "page": f"odata.maxpagesize={self.page}",
            "go_on": "odata.continue-on-error",
        }
        found = [text for name, text in texts.items() if honoured.get(name)]
        if self.annotations:
            found.append(f'odata.include-annotations="{",".join(self.annotations)}"')
        return {"Preference-Applied": ",".join(found)} if found else {}

    def wants(self, annotation: str) -> bool:
        """Whether this annotation was asked for; patterns may hold `*`, `-name` excludes."""
        refused = any(p.startswith("-") and fnmatchcase(annotation, p[1:]) for p in self.annotations)
        return not refused and any(fnmatchcase(annotation, p) for p in self.annotations)


def parse_prefer(text: str, gaps: Gaps) -> Preferences:
    """The preferences in a `Prefer` header. One it does not know is ignored, as HTTP has it, and noted."""
    found = dict(re.findall(r'([\w.-]+)(?:\s*=\s*("[^"]*"|[^,;"\s]+))?', text))
    for name in found.keys() - _PREFERENCES:
        gaps.note("preference", name)
    page = found.get("odata.maxpagesize")
    if page is not None and not (page.isdigit() and int(page) > 0):
        raise bad_query(f"Invalid value '{page}' for the odata.maxpagesize preference.")
    annotations = found.get("odata.include-annotations", "").strip('"')
    return Preferences(
        representation=found.get("return") == "representation",
        page=min(int(page), MAX_PAGE) if page else None,
        annotations=tuple(item.strip() for item in annotations.split(",") if item.strip()),
        track="odata.track-changes" in found,
        go_on="odata.continue-on-error" in found,
    )


@dataclass
class Call:
    """A request: `path` is percent-encoded and relative to the service root `root`, which ends in `v9.x`."""

    method: str
    path: str
    query: str
    headers: CIMultiDict[str]
    body: bytes
    user: User
    root: str
    prefer: Preferences = field(default_factory=Preferences)
    origin: Origin = field(default_factory=Origin)

    @property
    def url(self) -> str:
        """The request URL as it came, for links back to it."""
        return f"{self.root}/{self.path}" + (f"?{self.query}" if self.query else "")

    def json(self) -> dict[str, object]:
        """The body as an object; numbers with a fraction come as Decimal. Raises DataverseError 0x80048d19."""
        if self.headers.get("Content-Type", "").partition(";")[0].strip().lower() != "application/json":
            raise DataverseError(415, "0x80060888", "Unsupported Media Type: a JSON body is needed.")
        try:
            value = simplejson.loads(self.body.decode("utf-8"), use_decimal=True)
        except ValueError as error:
            raise DataverseError(400, "0x80048d19", f"Error identified in Payload: {error}") from error
        if not isinstance(value, dict):
            raise DataverseError(400, "0x80048d19", "Error identified in Payload: an object is expected.")
        return value


@dataclass
class Reply:
    """An answer: `body` is an object to be sent as JSON, text, or None."""

    status: int = 204
    headers: dict[str, str] = field(default_factory=dict)
    body: dict[str, object] | str | None = None

    @classmethod
    def of(cls, error: DataverseError) -> "Reply":
        body = None if error.status == 401 else error.body()
        return cls(error.status, dict(error.headers), body)

    def text(self) -> str:
        """The body as it goes out; a Decimal keeps its scale."""
        if self.body is None:
            return ""
        if isinstance(self.body, str):
            return self.body
        return simplejson.dumps(self.body, use_decimal=True, ensure_ascii=False, separators=(",", ":"))

    def content_type(self) -> str:
        if isinstance(self.body, str):
            return self.headers.get("Content-Type", "text/plain; charset=utf-8")
        return "application/json; odata.metadata=minimal"
