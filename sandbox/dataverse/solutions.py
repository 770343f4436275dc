"""Solutions: which one a new component goes into, and what its publisher says about names and option values."""

import re
import uuid
from dataclasses import dataclass

from sandbox.dataverse import errors
from sandbox.dataverse.environment import Environment
from sandbox.dataverse.schema import Table
from sandbox.dataverse.seed import DEFAULT_SOLUTION
from sandbox.dataverse.store import Row

_OPTIONS_PER_PREFIX = 10_000


@dataclass(frozen=True)
class Solution:
    """The solution with this unique name, the default one for "". Raises DataverseError when there is none."""

    env: Environment
    name: str

    @property
    def row(self) -> Row:
        wanted = {"uniquename": self.name} if self.name else {"solutionid": DEFAULT_SOLUTION}
        rows = self.env.store.find(self._table("solution"), wanted)
        if not rows:
            raise errors.invalid_argument(f"The solution '{self.name}' does not exist.")
        return rows[0]

    @property
    def publisher(self) -> Row:
        row = self.env.store.get(self._table("publisher"), str(self.row["publisherid"]))
        assert row is not None
        return row

    @property
    def first_option(self) -> int:
        """The value of the first option that has none of its own."""
        return int(str(self.publisher["customizationoptionvalueprefix"])) * _OPTIONS_PER_PREFIX

    def check_name(self, schema_name: str) -> None:
        """Raises DataverseError for a schema name without the publisher's prefix, any publisher's by default."""
        publishers = [self.publisher] if self.name else self.env.store.find(self._table("publisher"), {})
        prefixes = "|".join(re.escape(str(row["customizationprefix"])) for row in publishers)
        if not re.fullmatch(rf"(?i:{prefixes})_[A-Za-z0-9_]+", schema_name):
            text = f"The schema name '{schema_name}' needs the publisher's prefix, then letters, digits and _."
            raise errors.invalid_argument(text)

    def add(self, kind: int, object_id: str) -> None:
        """Put a component into the solution."""
        component = {"solutioncomponentid": str(uuid.uuid4()), "componenttype": kind, "objectid": object_id}
        row = {**component, "solutionid": self.row["solutionid"]}
        self.env.store.insert(self._table("solutioncomponent"), row)

    def _table(self, name: str) -> Table:
        table = self.env.schema.table(name)
        assert table is not None
        return table
