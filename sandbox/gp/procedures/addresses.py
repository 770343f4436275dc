"""taCreateCustomerAddress: create or change one address of a customer."""

from sandbox.gp import notes
from sandbox.gp.econnect import Call, Node, parameters
from sandbox.gp.rows import Rows
from sandbox.gp.tables import column_names

_RENAMED = {"ZIPCODE": "ZIP", "PHNUMBR1": "PHONE1", "PHNUMBR2": "PHONE2", "PHNUMBR3": "PHONE3"}
_NAME = "taCreateCustomerAddress"
_OWN = {"GPSFOINTEGRATIONID", "INTEGRATIONSOURCE", "INTEGRATIONID", "USERDEF1", "USERDEF2"}
_SAME_NAME = [n for n in column_names("RM00102") if n in set(parameters(_NAME)) - {"CUSTNMBR", "ADRSCODE"}]
_ON_CUSTOMER = [name for name in _SAME_NAME if name in column_names("RM00101") and name not in _OWN]
# What the customer's row and its main address both hold, by parameter name.
ADDRESS_FIELDS = [*_ON_CUSTOMER, *_RENAMED]
_REFERENCES = {
    "TAXSCHID": ("TX00101", "TAXSCHID", 117),
    "SLPRSNID": ("RM00301", "SLPRSNID", 8285),
    "SALSTERR": ("RM00303", "SALSTERR", 6309),
    "LOCNCODE": ("IV40700", "LOCNCODE", 6308),
    "CCode": ("VAT10001", "CCode", 6307),
}


def _run(call: Call) -> None:
    args = call.args
    call.require(args["CUSTNMBR"], 99)
    call.require(args["ADRSCODE"], 107)
    call.require(args["UpdateIfExists"] in (0, 1), 9365)
    customer = call.rows.find("RM00101", CUSTNMBR=args["CUSTNMBR"])
    call.require(customer, 118)
    key = {"CUSTNMBR": args["CUSTNMBR"], "ADRSCODE": args["ADRSCODE"]}
    exists = call.rows.exists("RM00102", **key)
    call.require(not exists or args["UpdateIfExists"], 9366)
    for argument, (table, column, number) in _REFERENCES.items():
        call.check(not args[argument] or call.rows.exists(table, **{column: args[argument]}), number)
    call.check(args["Print_Phone_NumberGB"] in (None, 0, 1, 2, 3, 4), 11762)
    call.settle()
    if args["SHIPMTHD"]:
        call.require(not add_shipping_method(call.rows, args["SHIPMTHD"]), 176)
    _write(call, key, exists)
    if customer["ADRSCODE"] == args["ADRSCODE"]:
        _copy_to_customer(call)


def _write(call: Call, key: dict[str, object], exists: bool) -> None:
    values = call.given(*_SAME_NAME) | renamed(call) | {"MODIFDT": call.rows.today()}
    if exists:
        call.require(not call.rows.update("RM00102", key, values), 116)
    else:
        call.require(not call.rows.insert("RM00102", key | values | {"CREATDDT": call.rows.today()}), 111)


def _copy_to_customer(call: Call) -> None:
    """The customer's own row repeats its main address."""
    values = call.given(*_ON_CUSTOMER) | renamed(call) | {"MODIFDT": call.rows.today()}
    call.require(not call.rows.update("RM00101", {"CUSTNMBR": call.args["CUSTNMBR"]}, values), 2320)


def renamed(call: Call) -> dict[str, object]:
    """The given arguments whose column has another name, by column."""
    return {_RENAMED[name]: value for name, value in call.given(*_RENAMED).items()}


def add_shipping_method(rows: Rows, method: object) -> int:
    """eConnect turns an unknown shipping method into set-up data instead of refusing it. Returns as `insert`."""
    if rows.exists("SY03000", SHIPMTHD=method):
        return 0
    dates = dict.fromkeys(("CREATDDT", "MODIFDT"), rows.today())
    return rows.insert("SY03000", {"SHIPMTHD": method, "NOTEINDX": notes.take_index(rows)} | dates)


ADDRESS = Node(
    name=_NAME,
    run=_run,
    null=9365,
    pre_failed=3471,
    post_failed=1326,
    upper=("CUSTNMBR", "ADRSCODE", "SHIPMTHD", "TAXSCHID", "SALSTERR", "CCode"),
)
PROCEDURES = [ADDRESS]
