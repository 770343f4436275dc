"""The stored procedures, found by folder: a module here exports PROCEDURES (nodes, or declarations of its own) and,
when they don't live in the company databases, DATABASE."""

import importlib
import pkgutil

from sandbox.gp.econnect import Node, procedure
from sandbox.gp.tables import SYSTEM
from sandbox.tsql.procedures import Procedure


def procedures(database: str) -> list[Procedure]:
    """Those of DYNAMICS, or of a company database of any other name."""
    modules = [importlib.import_module(f"{__name__}.{found.name}") for found in pkgutil.iter_modules(__path__)]
    here = [module for module in modules if (getattr(module, "DATABASE", "") == SYSTEM) == (database == SYSTEM)]
    return [procedure(item) if isinstance(item, Node) else item for module in here for item in module.PROCEDURES]
