from sandbox.tds import tokens
from sandbox.tds.contract import Column, SqlError, SqlType
from sandbox.tds.tokens import Change, Done


def test_a_done_with_a_count_says_so():
    assert tokens.done(Done.STATEMENT, tokens.MORE, 5).hex() == "fd110000000500000000000000"
    assert tokens.done(Done.PROCEDURE, 0, None).hex() == "fe000000000000000000000000"


def test_a_transaction_begins_with_its_descriptor_and_ends_with_none():
    descriptor = (7).to_bytes(8, "little")
    assert tokens.change_bytes(Change.BEGIN, descriptor).hex() == "e30b00080807000000000000" + "0000"
    assert tokens.change_bytes(Change.COMMIT, b"", descriptor).hex() == "e30b00090008" + "0700000000000000"


def test_columns_tell_identity_and_nullability():
    columns = [Column("A", SqlType("int")), Column("B", SqlType("int"), nullable=False, identity=True)]
    assert (
        tokens.column_metadata(columns).hex()
        == "810200" + "000000000900260401" + "4100" + "000000001800260401" + "4200"
    )


def test_a_message_of_any_length_fits_its_token():
    token = tokens.error(SqlError(50000, "x" * 100_000))
    assert int.from_bytes(token[1:3], "little") == len(token) - 3
