"""taUpdateCreateCustomerRcd: create or change a customer."""

from sandbox.gp import accounts, notes
from sandbox.gp.econnect import Call, Node, custom, parameters
from sandbox.gp.money import currency_decimals, has_more_decimals
from sandbox.gp.procedures.addresses import ADDRESS, ADDRESS_FIELDS, add_shipping_method, renamed
from sandbox.gp.tables import column_names
from sandbox.tsql.procedures import Procedure

_PERCENTS = ("CUSTDISC", "FNCHPCNT", "MINPYPCT")
_AMOUNTS = ("FINCHDLR", "MINPYDLR", "CRLMTAMT", "CRLMTPAM", "MXWROFAM")
_RECIPIENTS = {"ToEmail_Recipient": 1, "CcEmail_Recipient": 2, "BccEmail_Recipient": 3}
_NAME = "taUpdateCreateCustomerRcd"
_SAME_NAME = [name for name in column_names("RM00101") if name in set(parameters(_NAME)) - {"CUSTNMBR", *_PERCENTS}]
_ADDRESS_FIELDS = [name for name in ADDRESS_FIELDS if name in parameters(_NAME)]
_WHERE_ABOUTS = set(_ADDRESS_FIELDS) - {"UPSZONE", "SHIPMTHD", "TAXSCHID", "SLPRSNID", "SALSTERR"}
_REFERENCES = {
    "TAXSCHID": ("TX00101", "TAXSCHID", 250),
    "SLPRSNID": ("RM00301", "SLPRSNID", 249),
    "SALSTERR": ("RM00303", "SALSTERR", 5458),
    "PYMTRMID": ("SY03300", "PYMTRMID", 5421),
    "PRCLEVEL": ("IV40800", "PRCLEVEL", 6231),
    "CHEKBKID": ("CM00100", "CHEKBKID", 5420),
    "CRCARDID": ("SY03100", "CARDNAME", 94),
    "CURNCYID": ("MC40200", "CURNCYID", 1327),
    "RATETPID": ("MC40100", "RATETPID", 7859),
    "CCode": ("VAT10001", "CCode", 6329),
}
_ADDRESS_CODES = {"ADRSCODE": (1406, 142), "PRSTADCD": (1408, 143), "PRBTADCD": (1407, 144), "STADDRCD": (1405, 145)}
_CLASS_OWN = {"NOTEINDX", "MODIFDT", "CREATDDT", "INACTIVE", "DEX_ROW_ID"}


def _run(call: Call) -> None:
    call.require(call.args["CUSTNMBR"], 33)
    for flag in ("UseCustomerClass", "CreateAddress", "UpdateIfExists", "RequesterTrx"):
        call.require(call.args[flag] in (0, 1), 32)
    stored = call.rows.find("RM00101", CUSTNMBR=call.args["CUSTNMBR"])
    call.require(not stored or call.args["UpdateIfExists"], 251)
    rolled = _class_values(call)
    _check(call, stored or {}, rolled)
    values = rolled | _columns(call)
    call.settle()
    if call.args["SHIPMTHD"]:
        add_shipping_method(call.rows, call.args["SHIPMTHD"])
    if stored:
        _update(call, values)
    else:
        _insert(call, values)
    _write_addresses(call)
    _write_recipients(call)
    _write_note(call)


def _check(call: Call, stored: dict[str, object], rolled: dict[str, object]) -> None:
    args = call.args
    call.check(args["CUSTCLAS"] or not args["UseCustomerClass"], 1409)
    call.check(not args["CUSTCLAS"] or call.rows.exists("RM00201", CLASSID=args["CUSTCLAS"]), 495)
    call.check(args["ADRSCODE"] or not any(args[name] for name in _WHERE_ABOUTS), 5518)
    for argument, (table, column, number) in _REFERENCES.items():
        call.check(not args[argument] or call.rows.exists(table, **{column: args[argument]}), number)
    _check_currency_access(call)
    _check_flags(call, stored)
    _check_address_codes(call)
    _check_amounts(call, stored | rolled)


def _check_currency_access(call: Call) -> None:
    currency = call.args["CURNCYID"]
    if currency and call.rows.exists("MC40200", CURNCYID=currency):
        access = call.rows.exists("MC60100", CMPANYID=call.rows.company_id(), CURNCYID=currency, INACTIVE=0)
        call.check(access, 1305)


def _check_flags(call: Call, stored: dict[str, object]) -> None:
    args = call.args
    call.check(args["INACTIVE"] in (None, 0, 1), 1620)
    call.check(args["HOLD"] in (None, 0, 1), 1621)
    call.check(args["BALNCTYP"] in (None, 0, 1), 1624)
    call.check(args["STMTCYCL"] is None or 1 <= args["STMTCYCL"] <= 7, 7898)
    if args["INACTIVE"] == 1 and stored:
        call.check(not _active(call), 1410)
    if stored and args["BALNCTYP"] not in (None, stored["BALNCTYP"]):
        call.check(not _has_transactions(call), 8074)


def _active(call: Call) -> bool:
    key = {"CUSTNMBR": call.args["CUSTNMBR"]}
    summary = call.rows.find("RM00103", **key) or {}
    owed = ("CUSTBLNC", "UNPSTDSA", "UNPSTDCA", "UNPSTOSA", "UNPSTOCA", "ONORDAMT", "DEPRECV")
    unfinished = ("RM10301", "RM10201", "SOP10100")
    return any(summary.get(name) for name in owed) or any(call.rows.exists(table, **key) for table in unfinished)


def _has_transactions(call: Call) -> bool:
    tables = ("RM00401", "RM10301", "RM10201", "RM20101", "RM30101", "SOP10100")
    return any(call.rows.exists(table, CUSTNMBR=call.args["CUSTNMBR"]) for table in tables)


def _check_address_codes(call: Call) -> None:
    if call.args["CreateAddress"]:
        return
    for argument, (missing, _) in _ADDRESS_CODES.items():
        code = call.args[argument]
        key = {"CUSTNMBR": call.args["CUSTNMBR"], "ADRSCODE": code}
        call.check(not code or call.rows.exists("RM00102", **key), missing)


def _check_amounts(call: Call, present: dict[str, object]) -> None:
    args = call.args
    call.check(args["CRLMTTYP"] in (None, 0, 1, 2), 4617)
    kind = args["CRLMTTYP"] if args["CRLMTTYP"] is not None else present.get("CRLMTTYP", 0)
    call.check(not args["CRLMTAMT"] or kind == 2, 7128)
    amounts = call.given(*_AMOUNTS)
    call.check(all(value >= 0 for value in [*amounts.values(), *call.given(*_PERCENTS).values()]), 5403)
    if amounts:
        decimals = currency_decimals(call.rows)
        call.require(decimals is not None, 8005)
        call.check(not any(has_more_decimals(value, decimals) for value in amounts.values()), 8006)


def _class_values(call: Call) -> dict[str, object]:
    """What the class (RM00201) gives to the fields of the same name; the caller's own values come on top."""
    if not call.args["UseCustomerClass"]:
        return {}
    row = call.rows.find("RM00201", CLASSID=call.args["CUSTCLAS"] or "") or {}
    shared = set(column_names("RM00101")) - _CLASS_OWN
    return {name: value for name, value in row.items() if name in shared}


def _columns(call: Call) -> dict[str, object]:
    values = call.given(*_SAME_NAME) | renamed(call)
    values |= {name: int(value * 100) for name, value in call.given(*_PERCENTS).items()}
    return values | accounts.indexes(call)


def _insert(call: Call, values: dict[str, object]) -> None:
    today = call.rows.today()
    own = {
        "CUSTNMBR": call.args["CUSTNMBR"],
        "NOTEINDX": notes.take_index(call.rows),
        "CREATDDT": today,
        "MODIFDT": today,
    }
    call.require(not call.rows.insert("RM00101", values | own), 479)
    call.require(not call.rows.insert("RM00103", {"CUSTNMBR": call.args["CUSTNMBR"]}), 479)


def _update(call: Call, values: dict[str, object]) -> None:
    key = {"CUSTNMBR": call.args["CUSTNMBR"]}
    call.require(not call.rows.update("RM00101", key, values | {"MODIFDT": call.rows.today()}), 93)


def _write_addresses(call: Call) -> None:
    """The main address takes the caller's fields; another code that doesn't exist yet starts as a copy of them."""
    if not call.args["CreateAddress"]:
        return
    fields = {name: call.args[name] for name in _ADDRESS_FIELDS}
    number = call.args["CUSTNMBR"]
    for argument, (_, failed) in _ADDRESS_CODES.items():
        code = call.args[argument]
        if not code or (argument != "ADRSCODE" and call.rows.exists("RM00102", CUSTNMBR=number, ADRSCODE=code)):
            continue
        state = call.nested(ADDRESS, CUSTNMBR=number, ADRSCODE=code, **fields)
        call.require(not state, failed)


def _write_recipients(call: Call) -> None:
    for argument, value in call.given(*_RECIPIENTS).items():
        key = {"CUSTNMBR": call.args["CUSTNMBR"], "Email_Type": _RECIPIENTS[argument]}
        call.rows.delete("RM00106", **key)
        if value:
            call.rows.insert("RM00106", key | {"Email_Recipient": value})


def _write_note(call: Call) -> None:
    text = call.args["NOTETEXT"]
    if text is not None:
        customer = call.rows.find("RM00101", CUSTNMBR=call.args["CUSTNMBR"])
        notes.write(call.rows, customer["NOTEINDX"], text)


def normalising_post(*, enabled: bool) -> Procedure:
    """A partner's Post procedure that writes every name in capitals, or the empty one as installed."""
    capitals = "UPDATE RM00101 SET CUSTNAME = UPPER(CUSTNAME) WHERE CUSTNMBR = @I_vCUSTNMBR"
    return custom(CUSTOMER, "Post", capitals if enabled else lambda _: 0)


CUSTOMER = Node(
    name=_NAME,
    run=_run,
    null=32,
    pre_failed=167,
    post_failed=28,
    upper=(
        *("CUSTNMBR", "ADRSCODE", "PRSTADCD", "PRBTADCD", "STADDRCD", "PRCLEVEL", "CURNCYID", "RATETPID", "CHEKBKID"),
        *("SHIPMTHD", "TAXSCHID", "SALSTERR", "CCode"),
    ),
)
PROCEDURES = [CUSTOMER]
