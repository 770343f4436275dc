"""Values as eConnect's parameters take them: whatever a parameter would cut, round or misread is refused before."""

from datetime import date

from sync.errors import Rejected
from sync.fault import Fault
from sync.gp_limits import fit
from sync.schema import Parameter
from sync.systems.gp.statements import Parameter as Argument
from sync.value import Value

NO_DATE = "1900-01-01T00:00:00.000"


def argument(parameter: Parameter, value: Value) -> Argument:
    """The value as the parameter takes it: nothing is a blank, 0 or 1 January 1900, since GP has no NULL.

    Raises Rejected with a text that names the column, never the value.
    """
    try:
        fitted = fit(value.rstrip(" ") if isinstance(value, str) else value, parameter)
    except Fault as fault:
        raise Rejected(f"{parameter.column} {fault.text}.", code=fault.code, system="gp") from None
    if fitted is None or isinstance(fitted, date):
        return f"{fitted.isoformat()}T00:00:00.000" if fitted else NO_DATE
    return fitted
