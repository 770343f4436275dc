"""Change tracking: the first full read, deltas from a token, tombstones, expiry."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sandbox.dataverse import errors
from sandbox.dataverse.environment import Environment
from sandbox.dataverse.paging import Page, next_link, parse_page, with_option
from sandbox.dataverse.reader import Reader
from sandbox.dataverse.render import Renderer, context, selected, sql_columns
from sandbox.dataverse.schema import Table
from sandbox.dataverse.store import Row, quoted
from sandbox.dataverse.wire import MAX_PAGE, Call, Reply

_STAMP = "%m/%d/%Y %H:%M:%S"
_REFUSED = ("$filter", "$orderby", "$expand", "$top")
FLOOR = "tracking.floor"


def tracks(options: dict[str, str]) -> bool:
    """Whether a URL continues a change-tracking read: a delta link, or a next link of one."""
    return "$deltatoken" in options or 'istracking="True"' in options.get("$skiptoken", "")


@dataclass(frozen=True)
class Changes:
    """The change-tracking reads of one call. Rows written while pages are read come in the next delta."""

    env: Environment
    call: Call

    def read(self, table: Table, options: dict[str, str]) -> Reply:
        """One page of the first read or of a delta; the last page carries the delta link.

        Raises DataverseError: 400 for a table without change tracking or an option that it forbids,
        0x80044352 for an expired token.
        """
        self._check(table, options)
        page = self._page(options)
        rows = self._rows(table, options, page, by_version=page.since > 0)
        size = self.call.prefer.page or MAX_PAGE
        shown, more = rows[:size], len(rows) > size
        renderer, columns = Renderer(self.env.store, self.call.prefer), selected(table, options.get("$select"))
        value = [renderer.row(table, columns, row) for row in shown]
        what = context(self.call.root, table.entity_set_name, options.get("$select"))
        body: dict[str, object] = {"@odata.context": what + ("/$delta" if page.since else "")}
        if more:
            after = shown[-1]["versionnumber" if page.since else table.primary_id]
            place = {"after": str(after), "since": page.since, "upto": page.upto}
            body["@odata.nextLink"] = next_link(self.call, page.number + 1, place, tracking=True)
        else:
            value += self._deleted(table, page) if page.since else []
            stamp = datetime.now(UTC).strftime(_STAMP)
            body["@odata.deltaLink"] = with_option(self.call, "$deltatoken", f"{page.upto}!{stamp}")
        headers = self.call.prefer.applied(track=self.call.prefer.track, page=self.call.prefer.page is not None)
        return Reply(200, headers, {**body, "value": value})

    def count(self, table: Table, options: dict[str, str]) -> Reply:
        """How many rows a delta would report, deleted ones included."""
        self._check(table, options)
        page = self._page(options)
        sql = f"SELECT count(*) FROM {quoted(table.name)} WHERE versionnumber > ?"
        found = int(str(self.env.store.scalar(sql, [page.since]))) + len(self._deleted(table, page))
        return Reply(200, {"Content-Type": "text/plain"}, f"\ufeff{found}")

    def _check(self, table: Table, options: dict[str, str]) -> None:
        self.call.user.need("Read", table)
        for name in _REFUSED:
            if name in options:
                text = f'The "${{{name[1:]}}}" query parameter isn\'t supported when Change Tracking is enabled.'
                raise errors.bad_query(text)
        known = {"$select", "$deltatoken", "$skiptoken", "tag"}
        Reader(self.env, self.call).check(options, known)
        if not table.change_tracking:
            raise errors.invalid_argument(f"Change tracking is not enabled for entity '{table.name}'.")

    def _page(self, options: dict[str, str]) -> Page:
        upto = self.env.store.version()
        if "$skiptoken" in options:
            return parse_page(options["$skiptoken"])
        if "$deltatoken" not in options:
            return Page(upto=upto)
        version, _, stamp = options["$deltatoken"].partition("!")
        try:
            since, moment = int(version), datetime.strptime(stamp, _STAMP).replace(tzinfo=UTC)
        except ValueError as error:
            raise errors.bad_query("The delta token is not valid.") from error
        days = timedelta(days=self._kept_days())
        floor = int(str(self.env.store.setting(FLOOR, 0)))
        if since < floor or since > upto or datetime.now(UTC) - moment > days:
            raise errors.expired_stamp()
        return Page(since=since, upto=upto)

    def _kept_days(self) -> int:
        table = self.env.schema.table("organization")
        row = self.env.store.get(table, self.env.organization_id) if table else None
        return int(str(row["expirechangetrackingindays"])) if row else 0

    def _rows(self, table: Table, options: dict[str, str], page: Page, *, by_version: bool) -> list[Row]:
        listed = sql_columns(table, selected(table, options.get("$select")))
        column = "versionnumber" if by_version else table.primary_id
        after: object = page.after
        if by_version:
            after = int(page.after) if page.after else page.since
        sql = (
            f"SELECT {listed} FROM {quoted(table.name)} t WHERE t.{quoted(column)} > ? AND t.versionnumber <= ? "
            f"ORDER BY t.{quoted(column)} LIMIT ?"
        )
        return self.env.store.select(sql, [after, page.upto, (self.call.prefer.page or MAX_PAGE) + 1])

    def _deleted(self, table: Table, page: Page) -> list[dict[str, object]]:
        what = f"{self.call.root}/$metadata#{table.entity_set_name}/$deletedEntity"
        gone = dict.fromkeys(self.env.store.deleted_since(table, page.since))
        left = [row_id for row_id in gone if self.env.store.get(table, row_id) is None]
        return [{"@odata.context": what, "id": row_id, "reason": "deleted"} for row_id in left]
