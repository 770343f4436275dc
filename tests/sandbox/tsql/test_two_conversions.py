"""Values bound in Python and values computed in PostgreSQL are converted by different code: they must agree."""

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

_TEXTS = st.one_of(
    st.text(alphabet="aZ0189 .,-+:/TéÜß€日😀%_[]", max_size=24),
    st.from_regex(r"[ ]{0,2}[+-]?[0-9]{1,12}(\.[0-9]{0,8})?[ ]{0,2}", fullmatch=True),
    st.datetimes().map(lambda moment: moment.strftime("%Y-%m-%d %H:%M:%S.%f")[:23]),
    st.datetimes().map(lambda moment: moment.strftime("%Y%m%d")),
    st.datetimes().map(lambda moment: moment.strftime("%m/%d/%Y %H:%M")),
)
_KINDS = [
    "char(7)",
    "varchar(7)",
    "nvarchar(7)",
    "int",
    "smallint",
    "tinyint",
    "bigint",
    "bit",
    "numeric(9,3)",
    "money",
    "datetime",
    "date",
]


def _outcome(client, text):
    answer = client.run(text)
    return answer.numbers or answer.sets


@pytest.mark.parametrize("kind", _KINDS)
def test_bound_and_computed_values_agree(client, kind):
    @settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(_TEXTS)
    @example(" ")
    @example("$ ,")
    def agree(text):
        quoted = "N'" + text.replace("'", "''") + "'"
        bound = _outcome(client, f"SELECT CAST({quoted} AS {kind})")
        assert _outcome(client, f"SELECT CAST(CONCAT({quoted}, N'') AS {kind})") == bound
        assert _outcome(client, f"DECLARE @v {kind} = {quoted}; SELECT @v") == bound

    agree()
