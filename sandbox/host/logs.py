"""What functions and the host log, as lines on standard error."""

import logging
import sys
from collections.abc import Callable

from azure_functions_runtime import invocation_id_cv


def start(function_of: Callable[[str], str]) -> None:
    """Log INFO and above with the function's name and the invocation; `function_of` knows the names."""

    def name_invocation(record: logging.LogRecord) -> bool:
        invocation = invocation_id_cv.get()
        record.where = f"{function_of(invocation)} {invocation}" if invocation else record.name
        return True

    handler = logging.StreamHandler(sys.stderr)
    handler.addFilter(name_invocation)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)-7s %(where)s: %(message)s"))
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    # Their INFO is a line for every storage call and every invocation.
    for name in ("azure", "azure.functions"):
        logging.getLogger(name).setLevel(logging.WARNING)
