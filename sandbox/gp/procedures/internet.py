"""taCreateInternetAddresses: the e-mail and web row of any master record, always written whole."""

from sandbox.gp.econnect import Call, Node, parameters
from sandbox.gp.tables import column_names

_NAME = "taCreateInternetAddresses"
_FIELDS = [
    name
    for name in column_names("SY01200")
    if name in set(parameters(_NAME)) - {"Master_Type", "Master_ID", "ADRSCODE"}
]
_MASTERS = {
    "CUS": ("RM00101", "CUSTNMBR", 654),
    "VEN": ("PM00200", "VENDORID", 656),
    "ITM": ("IV00101", "ITEMNMBR", 658),
    "SLP": ("RM00301", "SLPRSNID", 653),
    "EMP": ("UPR00100", "EMPLOYID", 659),
    "CMP": ("SY01500", "INTERID", 661),
}
# The address is looked up by its code alone: that the code belongs to another master is not noticed.
_ADDRESSES = {
    "CUS": ("RM00102", "ADRSCODE", 655),
    "VEN": ("PM00300", "ADRSCODE", 657),
    "EMP": ("UPR00102", "ADRSCODE", 660),
    "CMP": ("SY00600", "LOCATNID", 662),
}
_LABELS = ("E-mail", "Home Page", "FTP Site", "Image", "Login", "Password", "User Defined 1", "User Defined 2")


def _run(call: Call) -> None:
    kind, master, code = (call.args[name] for name in ("Master_Type", "Master_ID", "ADRSCODE"))
    call.require(kind in _MASTERS, 10901)
    call.require(master, 10902)
    call.require(code or kind not in _ADDRESSES, 10903)
    table, column, number = _MASTERS[kind]
    call.check(call.rows.exists(table, **{column: master}), number)
    if kind in _ADDRESSES:
        table, column, number = _ADDRESSES[kind]
        call.check(call.rows.exists(table, **{column: code}), number)
    call.settle()
    _add_labels(call)
    _write(call, {"Master_Type": kind, "Master_ID": master, "ADRSCODE": code})


def _write(call: Call, key: dict[str, object]) -> None:
    values = call.given(*_FIELDS)
    if call.rows.exists("SY01200", **key):
        call.require(not call.rows.update("SY01200", key, values), 10905)
    else:
        call.require(not call.rows.insert("SY01200", key | values), 10904)


def _add_labels(call: Call) -> None:
    company = call.rows.company_id()
    if not call.rows.exists("SY04800", CMPANYID=company):
        labels = {f"INETPRMPTS_{n}": label for n, label in enumerate(_LABELS, 1)}
        call.rows.insert("SY04800", {"CMPANYID": company} | labels)


INTERNET = Node(
    name=_NAME,
    run=_run,
    null=10900,
    pre_failed=6502,
    post_failed=6503,
    upper=("Master_Type", "Master_ID", "ADRSCODE"),
)
PROCEDURES = [INTERNET]
