"""SELECT in its forms."""

# ruff: noqa: E501
from decimal import Decimal

import pytest


@pytest.fixture(autouse=True)
def _rows(client):
    client.run(
        "INSERT INTO RM00101 (CUSTNMBR, CUSTNAME, CITY, CRLMTAMT) VALUES "
        "('A', 'Anna', 'Bern', 10.5), ('B', 'Beat', 'Bern', 2), ('C', 'Carl', 'Chur', 3);"
        "INSERT INTO RM00102 (CUSTNMBR, ADRSCODE, CITY) VALUES ('A', 'MAIN', 'Bern'), ('A', 'SHIP', 'Basel')"
    )


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("SELECT TOP 2 CUSTNMBR FROM RM00101 ORDER BY CUSTNMBR DESC", [("C",), ("B",)]),
        ("DECLARE @n int = 1; SELECT TOP (@n) CUSTNMBR FROM RM00101 ORDER BY CUSTNMBR", [("A",)]),
        ("SELECT CUSTNMBR FROM RM00101 ORDER BY CUSTNMBR OFFSET 1 ROWS FETCH NEXT 1 ROWS ONLY", [("B",)]),
        ("SELECT CITY, COUNT(*) AS n FROM RM00101 GROUP BY CITY HAVING COUNT(*) > 1 ORDER BY n", [("Bern", 2)]),
        ("SELECT c.CUSTNMBR, a.ADRSCODE FROM RM00101 c LEFT JOIN RM00102 a ON a.CUSTNMBR = c.CUSTNMBR AND a.ADRSCODE = 'MAIN' ORDER BY 1",
         [("A", "MAIN"), ("B", None), ("C", None)]),
        ("SELECT c.CUSTNMBR, x.n FROM RM00101 c CROSS APPLY (SELECT COUNT(*) AS n FROM RM00102 a WHERE a.CUSTNMBR = c.CUSTNMBR) x ORDER BY c.CUSTNMBR",
         [("A", 2), ("B", 0), ("C", 0)]),
        ("SELECT c.CUSTNMBR, x.CITY FROM RM00101 c OUTER APPLY (SELECT TOP 1 CITY FROM RM00102 a WHERE a.CUSTNMBR = c.CUSTNMBR ORDER BY CITY) x "
         "WHERE c.CITY = 'bern' ORDER BY c.CUSTNMBR", [("A", "Basel"), ("B", None)]),
        ("WITH r AS (SELECT CUSTNMBR, ROW_NUMBER() OVER (PARTITION BY CITY ORDER BY CUSTNMBR DESC) AS rn FROM RM00101) "
         "SELECT CUSTNMBR FROM r WHERE rn = 1 ORDER BY CUSTNMBR", [("B",), ("C",)]),
        ("WITH n AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM n WHERE i < 4) SELECT SUM(i) FROM n", [(10,)]),
        ("SELECT CITY FROM RM00101 UNION SELECT CITY FROM RM00102 ORDER BY CITY", [("Basel",), ("Bern",), ("Chur",)]),
        ("SELECT CITY FROM RM00101 EXCEPT SELECT 'BERN'", [("Chur",)]),
        ("SELECT CUSTNMBR FROM RM00101 c WHERE EXISTS (SELECT 1 FROM RM00102 a WHERE a.CUSTNMBR = c.CUSTNMBR)", [("A",)]),
        ("SELECT CUSTNMBR FROM RM00101 WHERE CUSTNMBR NOT IN (SELECT CUSTNMBR FROM RM00102) AND CRLMTAMT BETWEEN 2 AND 2.5", [("B",)]),
        ("SELECT STRING_AGG(RTRIM(CUSTNMBR), ',') WITHIN GROUP (ORDER BY CUSTNMBR DESC) FROM RM00101", [("C,B,A",)]),
        ("SELECT SUM(CRLMTAMT) OVER (ORDER BY CUSTNMBR) FROM RM00101 WHERE CUSTNMBR < 'C'", [(Decimal("10.50000"),), (Decimal("12.50000"),)]),
        ("SELECT v.k FROM (VALUES (1, 'a'), (2, 'b')) v(k, t) JOIN RM00101 c ON c.CUSTNMBR = v.t ORDER BY v.k", [(1,), (2,)]),
        ("SELECT COUNT(*) FROM DYNAMICS..SY01500 s JOIN TWO.dbo.RM00101 c ON c.CITY = s.INTERID", [(0,)]),
        ("SELECT CASE CITY WHEN 'BERN' THEN 1 ELSE 0 END FROM RM00101 ORDER BY CUSTNMBR", [(1,), (1,), (0,)]),
        ("SELECT value FROM STRING_SPLIT('a,b', ',')", [("a",), ("b",)]),
    ],
)  # fmt: skip
def test_select(client, text, rows):
    assert client.rows(text) == rows


def test_keyset_paging_visits_every_row_once(client):
    client.run("DELETE FROM RM00101; INSERT INTO RM00101 (CUSTNMBR, CREATDDT) VALUES " + ", ".join(
        f"('K{n:03}', '2024-01-01 00:00:00.{n // 7:03}')" for n in range(60)))  # fmt: skip
    seen, moment, key = [], "1900-01-01", ""
    while True:
        page = client.rows(
            f"SELECT TOP 7 CUSTNMBR, CREATDDT FROM RM00101 WHERE CREATDDT > '{moment}' OR (CREATDDT = '{moment}' AND CUSTNMBR > N'{key}') "
            "ORDER BY CREATDDT, CUSTNMBR"
        )
        if not page:
            break
        seen += [row[0] for row in page]
        key, moment = page[-1][0], page[-1][1].strftime("%Y-%m-%d %H:%M:%S.%f")[:23]
    assert seen == [f"K{n:03}" for n in range(60)]


def test_assignment_takes_the_last_row_and_nothing_from_none(client):
    answer = client.run(
        "DECLARE @c char(15) = 'kept'; SELECT @c = CUSTNMBR FROM RM00101 WHERE CUSTNMBR = 'none'; SELECT @c, @@ROWCOUNT"
    )
    assert answer.sets == [[("kept", 0)]]


def test_select_into_keeps_the_types(client):
    client.run("SELECT CUSTNMBR, CRLMTAMT, 'x' AS mark INTO #copy FROM RM00101")
    answer = client.run("SELECT * FROM #copy WHERE CUSTNMBR = 'a'")
    assert answer.sets == [[("A", Decimal("10.50000"), "x")]]
    assert [(c.name, c.type.name, c.type.length) for c in answer.shapes[0]] == [
        ("CUSTNMBR", "char", 15), ("CRLMTAMT", "numeric", None), ("mark", "varchar", 1),
    ]  # fmt: skip


def test_temp_table_is_the_connections_own(client, connect):
    client.run("CREATE TABLE #k (k char(15) PRIMARY KEY); INSERT INTO #k VALUES ('a')")
    assert client.run("INSERT INTO #k VALUES ('A ')").numbers == [2627]
    assert connect().run("SELECT * FROM #k").numbers == [208]


@pytest.mark.parametrize(("text", "number"), [
    ("SELECT NOSUCH FROM RM00101", 207), ("SELECT x.CITY FROM RM00101 c", 4104), ("SELECT CITY FROM RM00101 a, RM00102 b", 209),
    ("SELECT * FROM NODB..T", 911), ("SELECT TOP 5 PERCENT CITY FROM RM00101", 102), ("SELECT CITY FROM RM00101 FOR JSON PATH", 102),
    ("SELECT 1 UNION SELECT 1, 2", 205), ("SELECT x.* FROM RM00101", 107), ("SELECT 1 'a' 2", 102),
    ("SELECT CITY FROM RM00101 TABLESAMPLE (10 PERCENT)", 102), ("SELECT * FROM (SELECT CITY FROM RM00101 ORDER BY CITY) x", 1033),
    ("SELECT SUM(CRLMTAMT) OVER (PARTITION BY CITY), CITY FROM RM00101 GROUP BY CUSTNMBR", 8120), ("SELECT (SELECT 1 UNION SELECT 2)", 512),
    ("SELECT CITY FROM RM00101 WITH (NOSUCHHINT)", 102), ("SELECT * FROM RM00101 PIVOT (COUNT(CUSTNMBR) FOR CITY IN ([Bern])) p", 102),
])  # fmt: skip
def test_refused(client, text, number):
    assert client.run(text).numbers == [number]


def test_nocount_hides_counts(client):
    assert client.run("SET NOCOUNT ON; SELECT 1").counts[-1] is None
    assert client.run("SET NOCOUNT OFF; SELECT 1").counts[-1] == 1


def test_second_run_of_a_poll_needs_no_translation(client, engine):
    poll = "SELECT TOP 500 CUSTNMBR FROM RM00101 WHERE DEX_ROW_TS > '2024-01-0{0}' OR (DEX_ROW_TS = '2024-01-0{0}' AND CUSTNMBR > N'{1}')"
    client.run(poll.format(1, "first"))
    known = engine.door.counts.dict()["sql.translations"]
    client.run(poll.format(2, "other"))
    assert engine.door.counts.dict()["sql.translations"] == known


def test_literal_that_is_part_of_the_meaning_gets_its_own_plan(client):
    text = "SELECT CONVERT(varchar(30), CAST('2024-01-02 03:04:05' AS datetime), {0})"
    assert [client.value(text.format(style)) for style in (112, 120, 112)] == [
        "20240102",
        "2024-01-02 03:04:05",
        "20240102",
    ]
