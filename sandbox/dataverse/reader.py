"""Reads: one row, a set with its query options, counts, navigation and `$expand`."""

from dataclasses import dataclass
from urllib.parse import quote

from sandbox.dataverse import errors
from sandbox.dataverse.environment import Environment
from sandbox.dataverse.filters import FilterSql, base_scope, child_link, children, join, order_sql
from sandbox.dataverse.functions import QueryFunctions
from sandbox.dataverse.grammar import parse_filter
from sandbox.dataverse.odata import Expand, parse_expand
from sandbox.dataverse.paging import Page, next_link, parse_page
from sandbox.dataverse.render import Renderer, context, etag, selected, sql_columns
from sandbox.dataverse.schema import Column, Navigation, Table
from sandbox.dataverse.store import Row, quoted, target_column
from sandbox.dataverse.wire import MAX_PAGE, Call, Reply

_COUNT_CAP = 5000
_MAX_EXPAND = 15
_KNOWN = {"$select", "$filter", "$orderby", "$top", "$count", "$expand", "$skiptoken", "tag"}
_IN_EXPAND = {"$select", "$filter", "$orderby", "$top", "$expand"}
Options = dict[str, str]


@dataclass(frozen=True)
class Parent:
    """Limits a read to the children of one row of `table` by their lookup."""

    end: Navigation
    table: Table
    row_id: str


@dataclass(frozen=True)
class Query:
    """A read as SQL parts. `keyset` pages by primary key; `topped` is limited by `$top` and has no pages."""

    columns: list[Column]
    where: str
    values: list[object]
    order: str
    keyset: bool
    page: Page
    limit: int
    topped: bool


@dataclass
class Reader:
    """Answers reads of one call."""

    env: Environment
    call: Call

    def __post_init__(self) -> None:
        self.store = self.env.store
        self.renderer = Renderer(self.store, self.call.prefer)

    def check(self, options: Options, known: set[str] = _KNOWN) -> None:
        """Raises DataverseError 0x80060888 for a query option that is not imitated or does not exist."""
        if options.get("$count", "true") not in {"true", "false"}:
            raise errors.bad_query(f"Invalid value '{options['$count']}' for $count query option found.")
        for name in options.keys() - known:
            if not name.startswith("@"):
                error = errors.bad_query(f"The query parameter {name} is not supported.")
                raise errors.Unsupported("query option", name, error)

    def one(self, table: Table, row: Row, options: Options) -> Reply:
        """A single row, `row` being the whole of it."""
        self.check(options, {"$select", "$expand", "tag"})
        self.call.user.need("Read", table)
        known = self.call.headers.get("If-None-Match") == etag(row)
        if known and "$expand" not in options and not self.call.prefer.annotations:
            return Reply(304, {"ETag": etag(row)})
        self.env.counts.add("operations read")
        body = self.entity(table, row, options, single=True)
        what = context(self.call.root, table.entity_set_name, options.get("$select"), _names(options))
        headers = {"ETag": etag(row), **self.call.prefer.applied()}
        return Reply(200, headers, {"@odata.context": f"{what}/$entity", **body})

    def entity(self, table: Table, row: Row, options: Options, *, single: bool) -> dict[str, object]:
        """A row as JSON with its expansions."""
        body = self.renderer.row(table, selected(table, options.get("$select")), row)
        aliases = _aliases(options)
        for item in _expands(options):
            self._expand(table, row, Expand(item.name, {**aliases, **item.options}), body, single=single)
        return body

    def many(self, table: Table, options: Options, parent: Parent | None = None) -> Reply:
        """A page of a set; `parent` limits it to the children of a row by their lookup."""
        self.check(options)
        self.call.user.need("Read", table)
        self.env.counts.add("operations read")
        query = self._query(table, options, parent)
        rows = self._fetch(table, query)
        what = context(self.call.root, table.entity_set_name, options.get("$select"), _names(options))
        body: dict[str, object] = {"@odata.context": what}
        self._count_into(body, table, query, counted=options.get("$count") == "true")
        body["value"] = [self._set_entity(table, row, query.columns, options) for row in rows[: query.limit]]
        if not query.topped and len(rows) > query.limit:
            last = str(rows[query.limit - 1][table.primary_id]) if query.keyset else ""
            place = {"after": last, "skip": query.page.skip + query.limit}
            body["@odata.nextLink"] = next_link(self.call, query.page.number + 1, place)
        paged = self.call.prefer.page is not None and not query.topped
        return Reply(200, self.call.prefer.applied(page=paged), body)

    def count(self, table: Table, options: Options) -> Reply:
        """`/$count`: plain text with a byte order mark, at most 5000."""
        self.check(options, {"$filter"})
        self.call.user.need("Read", table)
        found = self._count(table, self._query(table, options, None))
        return Reply(200, {"Content-Type": "text/plain"}, f"\ufeff{found}")

    def _query(self, table: Table, options: Options, parent: Parent | None) -> Query:
        filters, terms = self._filters(), ["1"]
        if parent is not None:
            filters.values.append(parent.row_id)
            terms.append(child_link(table, "t", parent.end, parent.table, "?"))
        if "$filter" in options:
            terms.append(filters.condition(parse_filter(options["$filter"], _aliases(options)), base_scope(table)))
        top, primary = _top(options), f"t.{quoted(table.primary_id)}"
        ordered = bool(options.get("$orderby"))
        order = order_sql(self._filters(), base_scope(table), options["$orderby"]) + ", " if ordered else ""
        return Query(
            columns=selected(table, None if "$expand" in options else options.get("$select")),
            where=" AND ".join(terms),
            values=filters.values,
            order=order + primary,
            keyset=not ordered,
            page=parse_page(options.get("$skiptoken")),
            limit=(self.call.prefer.page or MAX_PAGE) if top is None else top,
            topped=top is not None,
        )

    def _fetch(self, table: Table, query: Query) -> list[Row]:
        where, values, skip = query.where, query.values, query.page.skip
        if query.keyset:
            skip = 0
            if query.page.after:
                where = f"{where} AND t.{quoted(table.primary_id)} > ?"
                values = [*values, query.page.after]
        listed = sql_columns(table, query.columns)
        sql = f"SELECT {listed} FROM {quoted(table.name)} t WHERE {where} ORDER BY {query.order}"
        return self.store.select(f"{sql} LIMIT ? OFFSET ?", [*values, query.limit + 1, skip])

    def _set_entity(self, table: Table, row: Row, columns: list[Column], options: Options) -> dict[str, object]:
        if "$expand" in options:
            return self.entity(table, row, options, single=False)
        return self.renderer.row(table, columns, row)

    def _filters(self) -> FilterSql:
        return FilterSql(self.store, QueryFunctions(self.call.user.id))

    def _count(self, table: Table, query: Query) -> int:
        sql = f"SELECT count(*) FROM (SELECT 1 FROM {quoted(table.name)} t WHERE {query.where} LIMIT ?)"
        return int(str(self.store.scalar(sql, [*query.values, _COUNT_CAP])))

    def _count_into(self, body: dict[str, object], table: Table, query: Query, *, counted: bool) -> None:
        found = self._count(table, query) if counted else -1
        if counted:
            body["@odata.count"] = found
        if self.call.prefer.wants("Microsoft.Dynamics.CRM.totalrecordcount"):
            body["@Microsoft.Dynamics.CRM.totalrecordcount"] = found
            body["@Microsoft.Dynamics.CRM.totalrecordcountlimitexceeded"] = found >= _COUNT_CAP

    def _expand(self, table: Table, row: Row, item: Expand, body: dict[str, object], *, single: bool) -> None:
        end = table.navigation.get(item.name)
        if end is None:
            self.check(item.options, _IN_EXPAND)
            self._expand_children(table, row, item, body, single=single)
            return
        self.check(item.options, {"$select", "$expand"})
        column = table.columns[end.column]
        target = self._target(end, item.name)
        self.call.user.need("Read", target)
        matches = not column.polymorphic or row[target_column(column)] == end.table
        found = self.store.get(target, str(row[column.name])) if matches else None
        body[item.name] = self.entity(target, found, item.options, single=single) if found else None

    def _target(self, end: Navigation, name: str) -> Table:
        target = self.env.schema.table(end.table)
        if target is None:
            raise errors.Unsupported("table", end.table, errors.no_segment(name))
        return target

    def _expand_children(self, table: Table, row: Row, item: Expand, body: dict, *, single: bool) -> None:
        child, end = children(self.env.schema, table, item.name)
        self.call.user.need("Read", child)
        row_id = str(row[table.primary_id])
        if single or self.env.switches.expand_collections_inline:
            query = self._query(child, {**item.options, "$expand": ""}, Parent(end, table, row_id))
            rows = self._fetch(child, query)[: query.limit]
            body[item.name] = [self.entity(child, found, item.options, single=single) for found in rows]
            return
        # On a set query the real system leaves collections empty behind a link of their own.
        body[item.name] = []
        tail = "&".join(f"{k}={quote(v)}" for k, v in item.options.items())
        link = f"{self.call.root}/{table.entity_set_name}({row_id})/{item.name}" + (f"?{tail}" if tail else "")
        body[f"{item.name}@odata.nextLink"] = link

    def linked(self, table: Table, row: Row, name: str) -> tuple[Table, Row] | None:
        """The row a single-valued navigation property leads to. Raises DataverseError for no such property."""
        end = table.navigation[name]
        target = self._target(end, name)
        link = join(table, "t", end, target, "j")
        sql = (
            f"SELECT j.* FROM {quoted(table.name)} t JOIN {quoted(target.name)} j ON {link} "
            f"WHERE t.{quoted(table.primary_id)} = ?"
        )
        found = self.store.select(sql, [row[table.primary_id]])
        return (target, found[0]) if found else None


def _aliases(options: Options) -> Options:
    """The `@name=value` parameters among the options."""
    return {name: value for name, value in options.items() if name.startswith("@")}


def _expands(options: Options) -> list[Expand]:
    items = parse_expand(options.get("$expand", ""))
    if _expansions(items) > _MAX_EXPAND:
        raise errors.bad_query(f"The number of $expand items exceeds the limit of {_MAX_EXPAND}.")
    return items


def _expansions(items: list[Expand]) -> int:
    return sum(1 + _expansions(parse_expand(item.options.get("$expand", ""))) for item in items)


def _names(options: Options) -> list[str]:
    return [f"{item.name}({item.options.get('$select', '')})" for item in _expands(options)]


def _top(options: Options) -> int | None:
    if "$top" not in options:
        return None
    if not options["$top"].isdecimal():
        raise errors.bad_query(f"Invalid value '{options['$top']}' for $top query option found.")
    if int(options["$top"]) > MAX_PAGE:
        raise errors.invalid_argument(f"The value of $top cannot exceed {MAX_PAGE}.")
    return int(options["$top"])
