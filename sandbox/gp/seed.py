"""Fills new databases: set-up data, the sample customers of TWO and THREE."""

import json
from collections.abc import Iterable, Mapping, Sequence
from itertools import batched
from pathlib import Path

from sandbox.gp.admin import Admin
from sandbox.gp.econnect import parameters
from sandbox.gp.tables import SYSTEM
from sandbox.tds.contract import RpcParameter, SqlType
from sandbox.tsql.catalog import sql_type

_DATA = Path(__file__).parent / "data"


def system(admin: Admin) -> None:
    """Companies, currencies and error texts, into an empty DYNAMICS."""
    _insert_all(admin, _sample()[SYSTEM])
    errors = json.loads((_DATA / "gp-errors.json").read_text())
    rows = [[int(n), source, text] for source, texts in errors.items() for n, text in texts.items()]
    _insert(admin, "taErrorCode", ["ErrorCode", "SourceProc", "ErrorDesc"], rows)


def company(admin: Admin, database: str) -> None:
    """Set-up data and the sample customers, into an empty company; customers go through eConnect."""
    _insert_all(admin, _sample()["company"])
    admin.run(
        "INSERT INTO SY00600 (CMPANYID, LOCATNID, LOCATNNM) "
        f"SELECT CMPANYID, LOCATNID, 'Head office' FROM DYNAMICS..SY01500 WHERE INTERID = '{database}'"
    )
    names, *customers = _sample()["customers"][database]
    for values in customers:
        _create(admin, dict(zip(names, values, strict=True)))


def _create(admin: Admin, values: dict[str, object]) -> None:
    mail, web = values.pop("e-mail"), values.pop("web")
    codes = dict.fromkeys(("ADRSCODE", "PRBTADCD", "PRSTADCD", "STADDRCD"), "PRIMARY")
    _econnect(admin, "taUpdateCreateCustomerRcd", values | codes | {"UseCustomerClass": 1})
    if mail or web:
        key = {"Master_Type": "CUS", "Master_ID": values["CUSTNMBR"], "ADRSCODE": "PRIMARY"}
        _econnect(admin, "taCreateInternetAddresses", key | {"INET1": mail, "INET2": web})


def _econnect(admin: Admin, procedure: str, values: Mapping[str, object]) -> None:
    types = {field: sql_type(kind[0]) for field, kind in parameters(procedure).items()}
    sent = [RpcParameter(f"@I_v{name}", value, types[name]) for name, value in values.items()]
    sent.append(RpcParameter("@O_iErrorState", None, SqlType("int"), output=True))
    sent.append(RpcParameter("@oErrString", None, SqlType("varchar", 255), output=True))
    answer = admin.call(procedure, sent)
    if answer.status:
        raise ValueError(f"{procedure} refused {values}: {answer.outputs}")


def _insert_all(admin: Admin, rows: Mapping[str, list[list[object]]]) -> None:
    for table, (names, *values) in rows.items():
        _insert(admin, table, names, values)


def _insert(admin: Admin, table: str, names: Sequence[object], rows: Iterable[Sequence[object]]) -> None:
    for chunk in batched(rows, 100, strict=False):
        values = ", ".join("(" + ", ".join(map(_literal, row)) + ")" for row in chunk)
        admin.run(f"INSERT INTO {table} ({', '.join(map(str, names))}) VALUES {values}")


def _literal(value: object) -> str:
    return "'" + value.replace("'", "''") + "'" if isinstance(value, str) else str(value)


def _sample() -> dict[str, dict[str, list[list[object]]]]:
    return json.loads((_DATA / "sample.json").read_text(encoding="utf-8"))
