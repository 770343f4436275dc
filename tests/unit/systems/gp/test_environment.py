"""Which environment a company database is."""

from sync.system import Identity
from sync.systems.gp.system import GpSystem

from .scripted import ScriptedClient


async def test_a_company_is_told_by_server_database_and_interid_in_one_round_trip() -> None:
    client = ScriptedClient([[{"server": "SQL01", "name": "TWO", "interid": "TWO  ", "version": 7}]])
    found = await GpSystem(client).identity("TWO", {"version": 9})
    assert found == Identity("gp", {"server": "SQL01", "database": "TWO", "company": "TWO"}, 7, 9)
    assert found.went_back
    assert "[DYNAMICS].dbo.SY01500" in client.asked[0][0]


async def test_a_database_that_gp_does_not_list_tells_no_company() -> None:
    client = ScriptedClient([[{"server": "SQL01", "name": "TWO", "interid": None, "version": None}]])
    assert (await GpSystem(client).identity("TWO", {})).facts["company"] == ""
