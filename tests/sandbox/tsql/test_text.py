"""char(n), collation, code page, LIKE (tsql-observed.md, 2 and 3)."""

import pytest


@pytest.fixture(autouse=True)
def _row(client):
    client.run("INSERT INTO RM00101 (CUSTNMBR, CUSTNAME, CITY) VALUES ('KeyABC', N'Zürich 10% [x]', 'a\\b')")


@pytest.mark.parametrize(
    "key", ["'KEYABC'", "N'keyabc   '", "CAST(N'KEYabc' AS char(31))", "'keyABC' + ''", "RTRIM('keyabc ')"]
)
def test_case_and_trailing_blanks_do_not_count(client, key):
    assert client.value(f"SELECT COUNT(*) FROM RM00101 WHERE CUSTNMBR = {key}") == 1
    assert client.value(f"SELECT COUNT(*) FROM RM00101 WHERE CUSTNMBR IN ('x', {key})") == 1
    assert client.value(f"SELECT COUNT(*) FROM RM00101 WHERE RTRIM(CUSTNMBR) = {key}") == 1


@pytest.mark.parametrize("key", ["' KEYABC'", "'KEYABC' + CHAR(9)", "N'KÉYABC'"])
def test_leading_blanks_tabs_and_accents_count(client, key):
    assert client.value(f"SELECT COUNT(*) FROM RM00101 WHERE CUSTNMBR = {key}") == 0


def test_key_in_another_case_is_a_duplicate(client):
    assert client.run("INSERT INTO RM00101 (CUSTNMBR) VALUES ('keyabc  ')").numbers == [2627]


def test_accented_capitals_are_equal(client):
    assert client.value("SELECT CASE WHEN N'É' = N'é' AND 'e' <> N'é' AND '' = ' ' THEN 1 ELSE 0 END") == 1


def test_char_comes_with_its_type_and_rtrim_makes_varchar(client):
    shape = client.run("SELECT CUSTNMBR, RTRIM(CUSTNMBR), CUSTNMBR + '|', LEN(CUSTNMBR) FROM RM00101").shapes[0]
    assert [(c.type.name, c.type.length) for c in shape[:2]] == [("char", 15), ("varchar", 15)]


def test_padding_is_kept_where_it_counts(client):
    row = client.rows(
        "SELECT CUSTNMBR + '|', CONCAT(CUSTNMBR, '|'), LEN(CUSTNMBR), DATALENGTH(CUSTNMBR), LEN(' '), LEN(' a ') FROM RM00101"
    )
    assert row == [("KeyABC         |", "KeyABC         |", 6, 15, 0, 2)]


@pytest.mark.parametrize("test", [
    "CAST(CUSTNMBR AS varbinary(15)) = CAST(CAST(N'{0}' AS char(15)) AS varbinary(15))", "CUSTNMBR COLLATE Latin1_General_BIN2 = N'{0}'",
    "CUSTNMBR = N'{0}' COLLATE SQL_Latin1_General_CP1_CS_AS",
])  # fmt: skip
def test_exact_spelling_can_be_compared(client, test):
    assert client.value(f"SELECT COUNT(*) FROM RM00101 WHERE {test.format('KeyABC')}") == 1
    assert client.value(f"SELECT COUNT(*) FROM RM00101 WHERE {test.format('KEYABC')}") == 0


@pytest.mark.parametrize(
    ("text", "kept"), [("Łódź", "?ód?"), ("日本", "??"), ("😀", "??"), ("€’ü\u00a0x", "€’ü\u00a0x")]
)
def test_text_outside_the_code_page_becomes_question_marks(client, text, kept):
    client.run(f"UPDATE RM00101 SET CITY = N'{text}'")
    assert client.value("SELECT CITY FROM RM00101") == kept
    assert (
        client.value(f"DECLARE @v varchar(20) = N'{text}', @n nvarchar(20) = N'{text}'; SELECT @v + '/' + @n")
        == f"{kept}/{text}"
    )


def test_lost_text_is_found_again_by_casting_to_the_columns_type(client):
    client.run("UPDATE RM00101 SET CITY = N'日本'")
    count = "SELECT COUNT(*) FROM RM00101 WHERE CITY = "
    assert client.value(count + "N'日本'") == 0
    assert client.value(count + "CAST(N'日本' AS char(35))") == 1


def test_too_long_for_a_column_is_an_error_but_blanks_are_not(client):
    assert client.run(f"UPDATE RM00101 SET CITY = '{'x' * 36}'").numbers == [8152]
    assert client.run(f"UPDATE RM00101 SET CITY = 'x{' ' * 40}'").errors == []
    assert client.value(f"DECLARE @c char(3) = 'abcdef'; SELECT @c + CAST('{'x' * 9}' AS varchar(2))") == "abcxx"


@pytest.mark.parametrize(("pattern", "found"), [
    ("N'keyabc%'", 1), ("'%ABC'", 1), ("N'%abc'", 0), ("'k_y%'", 1), ("'k[a-f]y%'", 1), ("'k[^e]y%'", 0), ("'k[[]y%'", 0), ("'KEYABC'", 1),
])  # fmt: skip
def test_like_ignores_case_and_knows_sets(client, pattern, found):
    assert client.value(f"SELECT COUNT(*) FROM RM00101 WHERE CUSTNMBR LIKE {pattern}") == found


@pytest.mark.parametrize("pattern", ["'%10[%]%'", "'%10!% %' ESCAPE '!'", "'%[[]X]%'"])
def test_like_escapes(client, pattern):
    assert client.value(f"SELECT COUNT(*) FROM RM00101 WHERE CUSTNAME LIKE {pattern}") == 1


def test_backslash_is_literal_in_like(client):
    assert client.value("SELECT COUNT(*) FROM RM00101 WHERE RTRIM(CITY) LIKE N'a\\b'") == 1


def test_null_swallows_a_sum_of_texts_but_not_concat(client):
    assert client.rows("SELECT NULL + 'a', CONCAT(NULL, 'a'), ISNULL(NULL, 'b')") == [(None, "a", "b")]


def test_case_only_change_of_a_key_is_stored(client):
    client.run("UPDATE RM00101 SET CUSTNMBR = 'keyabc' WHERE CUSTNMBR = 'KEYABC'")
    assert client.value("SELECT CUSTNMBR FROM RM00101") == "keyabc"


def test_grouping_and_distinct_ignore_case(client):
    values = "(VALUES ('a'), ('A '), ('b')) v(k)"
    assert client.value(f"SELECT COUNT(*) FROM (SELECT DISTINCT k FROM {values}) d") == 2
    assert client.value(f"SELECT COUNT(*) FROM (SELECT k, COUNT(*) AS n FROM {values} GROUP BY k) d") == 2
    assert client.value(f"SELECT COUNT(DISTINCT k) FROM {values}") == 2


def test_literal_with_quotes_comments_and_brackets_comes_back(client):
    text = "it''s -- /* x */ ; @x [y] $(z) \t\\"
    assert client.value(f"SELECT N'{text}'") == text.replace("''", "'")


def test_column_default_does_not_replace_null(client):
    assert client.run("INSERT INTO RM00101 (CUSTNMBR, CITY) VALUES ('n', NULL)").numbers == [515]


@pytest.mark.parametrize("wide", ["", "N"])
def test_capitals_outside_the_code_page(client, wide):
    assert client.value(f"SELECT CAST(UPPER({wide}'éßÿµƒ') AS char(5))") == ("ÉßŸµƒ" if not wide else "ÉßŸ??")


@pytest.mark.parametrize(
    ("value", "number"),
    [
        ("RTRIM(NOTE)", 8116),
        ("LEN(NOTE)", 8116),
        ("UPPER(NOTE)", 8116),
        ("LEFT(NOTE, 1)", 8116),
        ("NOTE + 'a'", 402),
        ("SUBSTRING(NOTE, 1, 2)", None),
    ],
)
def test_text_columns_are_not_for_every_function(client, engine, value, number):
    if engine.catalogs["two"].table("NOTES") is None:
        client.run("CREATE TABLE NOTES (K int PRIMARY KEY, NOTE text)")
    assert client.run(f"SELECT {value} FROM NOTES").numbers == ([number] if number else [])
