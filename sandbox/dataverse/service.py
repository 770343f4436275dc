"""Routes one request to what it means: data, metadata, functions and actions. Each request is one transaction."""

from sandbox.dataverse import errors
from sandbox.dataverse.actions import ACTIONS, FUNCTIONS
from sandbox.dataverse.bulk import BULK, Bulk
from sandbox.dataverse.changes import Changes, tracks
from sandbox.dataverse.csdl import csdl
from sandbox.dataverse.environment import Environment
from sandbox.dataverse.headers import check_headers
from sandbox.dataverse.metadata import METADATA, Metadata
from sandbox.dataverse.odata import Segment, parse_path, parse_query
from sandbox.dataverse.properties import Properties
from sandbox.dataverse.reader import Reader
from sandbox.dataverse.rows import Rows
from sandbox.dataverse.schema import Table
from sandbox.dataverse.transactions import Transactions
from sandbox.dataverse.wire import Call, Preferences, Reply

_URL_LIMIT = 32 * 1024
_URL_LIMIT_IN_BATCH = 64 * 1024


class Service:
    """The Web API of one environment, without a server around it."""

    def __init__(self, env: Environment, transactions: Transactions) -> None:
        self.env, self.transactions = env, transactions

    async def handle(self, call: Call, *, in_batch: bool = False) -> Reply:
        """Carry out one request in a transaction of its own; refusals come back as replies."""
        try:
            if call.method == "GET":
                return self.carry_out(call, in_batch=in_batch)
            return await self.transactions.run(lambda: self.carry_out(call, in_batch=in_batch))
        except errors.DataverseError as error:
            return self.refused(error, call.prefer)

    def refused(self, error: errors.DataverseError, prefer: Preferences | None = None) -> Reply:
        """The reply for a refusal, with the details a client prefers; what is not imitated is listed as a gap."""
        if isinstance(error, errors.Unsupported):
            self.env.gaps.note(error.kind, error.what)
        reply = Reply.of(error)
        if prefer and isinstance(reply.body, dict):
            found = {f"@{name}": text for name, text in _details(error).items() if prefer.wants(name)}
            reply.body = {"error": {"code": error.code, "message": error.message, **found}}
        return reply

    def carry_out(self, call: Call, *, in_batch: bool = False) -> Reply:
        """As `handle`, but within the caller's transaction, and raising DataverseError."""
        if len(call.url) > (_URL_LIMIT_IN_BATCH if in_batch else _URL_LIMIT):
            raise errors.DataverseError(414, "0x80060888", "The request URL is too long.")
        check_headers(call.headers, call.path)
        with self.env.store.transaction():
            return self._route(call, parse_path(call.path), parse_query(call.query))

    def _service_document(self, call: Call) -> Reply:
        sets = sorted(table.entity_set_name for table in self.env.schema)
        value = [{"name": name, "kind": "EntitySet", "url": name} for name in sets]
        return Reply(200, {}, {"@odata.context": f"{call.root}/$metadata", "value": value})

    def _route(self, call: Call, segments: list[Segment], options: dict[str, str]) -> Reply:
        first = segments[0] if segments else Segment("", None)
        if first.name in METADATA:
            return Metadata(self.env, call).route(segments, options)
        if first.name in {"", "$metadata", *FUNCTIONS, *ACTIONS}:
            return self._alone(call, first, segments[1:], options)
        table = self.env.schema.entity_set(first.name)
        if table is None:
            raise errors.Unsupported("resource", first.name, errors.no_segment(first.name))
        if first.key is None:
            return self._set(call, table, segments[1:], options)
        return self._row(call, table, first.key, segments[1:], options)

    def _alone(self, call: Call, first: Segment, rest: list[Segment], options: dict[str, str]) -> Reply:
        """What stands by itself in a URL: the two documents, functions and actions."""
        if rest:
            raise self._unknown(rest[0].name)
        Reader(self.env, call).check(options, {"tag"})
        match first.name, call.method:
            case "", "GET":
                return self._service_document(call)
            case "$metadata", "GET":
                return Reply(200, {"Content-Type": "application/xml"}, csdl(self.env.schema))
            case name, "GET" if name in FUNCTIONS:
                return FUNCTIONS[name](self.env, call, first, options)
            case name, "POST" if name in ACTIONS:
                return ACTIONS[name](self.env, call)
        raise self._no_method(call)

    def _no_method(self, call: Call) -> errors.DataverseError:
        return errors.not_allowed(f"The requested resource does not support http method '{call.method}'.")

    def _set(self, call: Call, table: Table, rest: list[Segment], options: dict[str, str]) -> Reply:
        changes = Changes(self.env, call)
        match [segment.name for segment in rest], call.method:
            case [], "GET" if call.prefer.track or tracks(options):
                return changes.read(table, options)
            case [], "GET":
                return Reader(self.env, call).many(table, options)
            case [], "POST":
                return Rows(self.env, call).create(table, options)
            case ["$count"], "GET" if "$deltatoken" in options:
                return changes.count(table, options)
            case ["$count"], "GET":
                return Reader(self.env, call).count(table, options)
            case [name], "POST" if name.removeprefix(errors.TYPE) in BULK and name.startswith(errors.TYPE):
                return Bulk(self.env, call).run(table, name.removeprefix(errors.TYPE), options)
            case [name], "POST" if name in BULK:
                raise errors.bad_query(f"Request message has unresolved parameters: write {errors.TYPE}{name}.")
            case [], _:
                raise self._no_method(call)
        raise self._unknown(rest[0].name)

    def _row(self, call: Call, table: Table, key: str, rest: list[Segment], options: dict[str, str]) -> Reply:
        rows = Rows(self.env, call)
        if rest:
            return Properties(self.env, call).route(table, key, rest, options)
        match call.method:
            case "GET":
                return rows.read(table, key, options)
            case "PATCH":
                return rows.patch(table, key, options)
            case "DELETE":
                return rows.delete(table, key, options)
        raise self._no_method(call)

    def _unknown(self, name: str) -> errors.DataverseError:
        return errors.Unsupported("segment", name, errors.no_segment(name))


def _details(error: errors.DataverseError) -> dict[str, str]:
    prefix, number = "Microsoft.PowerApps.CDS.", error.code.removeprefix("0x")
    link = f"http://go.microsoft.com/fwlink/?LinkID=398563&error=Microsoft.Crm.CrmException%3a{number}&client=platform"
    texts = {
        "ErrorDetails.OperationStatus": "0",
        "ErrorDetails.SubErrorCode": "0",
        "HelpLink": link,
        "TraceText": "",
        "InnerError.Message": error.message,
    }
    return {f"{prefix}{name}": text for name, text in texts.items()}
