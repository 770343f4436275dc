"""Decimals of the company's functional currency."""

from decimal import Decimal

from sandbox.gp.rows import Rows


def currency_decimals(rows: Rows) -> int | None:
    """Decimals the functional currency allows, or None when the company has none. DECPLCUR holds decimals + 1."""
    setup = rows.find("MC40000")
    currency = rows.find("MC40200", CURNCYID=setup["FUNLCURR"]) if setup else None
    return currency["DECPLCUR"] - 1 if currency else None


def has_more_decimals(value: Decimal, decimals: int) -> bool:
    return value != round(value, decimals)
