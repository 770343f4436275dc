"""General ledger account strings of a customer, turned into the indexes that RM00101 stores."""

from sandbox.gp.econnect import Call

# argument -> (column, number when missing, number when inactive, number when not a posting account)
ACCOUNTS = {
    "RMCSHACTNUMST": ("RMCSHACC", 7864, 8018, 7943),
    "RMARACTNUMST": ("RMARACC", 7865, 8019, 7944),
    "RMSLSACTNUMST": ("RMSLSACC", 7866, 7945, 7946),
    "RMCOSACTNUMST": ("RMCOSACC", 7867, 7947, 7948),
    "RMIVACTNUMST": ("RMIVACC", 7868, 7949, 7950),
    "RMTAKACTNUMST": ("RMTAKACC", 7869, 7951, 7952),
    "RMAVACTNUMST": ("RMAVACC", 7870, 7953, 7954),
    "RMFCGACTNUMST": ("RMFCGACC", 7871, 7955, 7956),
    "RMWRACTNUMST": ("RMWRACC", 7872, 7957, 7958),
    "RMSORACTNUMST": ("RMSORACC", 7873, 7959, 7960),
    "RMOvrpymtWrtoffACTNUMST": ("RMOvrpymtWrtoffAcctIdx", 7874, 7961, 7962),
}
_POSTING = 1


def indexes(call: Call) -> dict[str, object]:
    """Column -> account index of each account given; a blank string unsets (0). Lists the numbers of bad accounts."""
    found = {}
    for argument, text in call.given(*ACCOUNTS).items():
        column, *numbers = ACCOUNTS[argument]
        found[column] = _index(call, text, *numbers) if text else 0
    return found


def _index(call: Call, text: object, missing: int, inactive: int, not_posting: int) -> object:
    entry = call.rows.find("GL00105", ACTNUMST=text)
    call.check(entry, missing)
    if not entry:
        return 0
    account = call.rows.find("GL00100", ACTINDX=entry["ACTINDX"]) or {}
    call.check(account.get("ACTIVE"), inactive)
    call.check(account.get("ACCTTYPE") == _POSTING, not_posting)
    return entry["ACTINDX"]
