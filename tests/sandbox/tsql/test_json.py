"""OPENJSON and its relatives (tsql-observed.md, 4.7)."""

from decimal import Decimal

import pytest


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("""SELECT k FROM OPENJSON(N'["a ","b"]') WITH (k char(15) '$')""", [("a",), ("b",)]),
        ("""SELECT a, n, b, o, m FROM OPENJSON(N'[{"a":1,"n":"2.5","b":true,"o":{"x":[1]}},{"a":null}]') WITH (
            a int, n numeric(19,5) '$.n', b bit '$.b', o nvarchar(max) '$.o' AS JSON, m varchar(5) '$.miss')""",
         [(1, Decimal("2.50000"), True, '{"x": [1]}', None), (None, None, None, None, None)]),
        ("""SELECT [key], value, type FROM OPENJSON(N'{"a":null,"b":"t","c":1,"d":true,"e":{}}') ORDER BY [key]""",
         [("a", None, 0), ("b", "t", 1), ("c", "1", 2), ("d", "true", 3), ("e", "{}", 5)]),
        ("SELECT * FROM OPENJSON(NULL)", []),
        ("""SELECT JSON_VALUE(N'{"a":{"b":"x"}}', '$.a.b'), JSON_QUERY(N'{"a":{"b":1}}', '$.a'), ISJSON('x')""", [("x", '{"b": 1}', 0)]),
        ("""SELECT j.k FROM OPENJSON(N'{"list":["p","q"]}', '$.list') WITH (k varchar(3) '$') j""", [("p",), ("q",)]),
    ],
)  # fmt: skip
def test_open_json(client, text, rows):
    assert client.rows(text) == rows


def test_keys_join_like_a_table(client):
    client.run("INSERT INTO RM00101 (CUSTNMBR, CUSTNAME) VALUES ('A', 'Anna'), ('B', 'Beat')")
    found = client.rows("""DECLARE @json nvarchar(max) = N'["a","c"]'; SELECT k.k, c.CUSTNAME FROM OPENJSON(@json) WITH (k char(15) '$') k
        LEFT JOIN RM00101 c ON c.CUSTNMBR = k.k ORDER BY k.k""")
    assert found == [("a", "Anna"), ("c", None)]


@pytest.mark.parametrize(("text", "number"), [
    ("SELECT * FROM OPENJSON('no json')", 13609), ("SELECT JSON_VALUE('{}', 'strict $.a')", 13608),
    ("""SELECT * FROM OPENJSON('["x"]') WITH (k int '$')""", 245),
])  # fmt: skip
def test_bad_json(client, text, number):
    assert client.run(text).numbers == [number]
