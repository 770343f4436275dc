import pytest

from sync import schema
from sync.schema import UnknownName


def test_a_gp_column_has_its_type_length_and_key():
    column = schema.gp_column("RM00101", "CUSTNAME")
    assert (column.type, column.kind, column.length, column.key) == ("char(65)", "text", 65, False)
    assert schema.gp_column("RM00101", "CUSTNMBR").key
    assert schema.gp_table("SY01200").key == ("Master_Type", "Master_ID", "ADRSCODE")


@pytest.mark.parametrize(
    ("table", "column", "kind", "length"),
    [
        ("RM00101", "CRLMTAMT", "amount", None),
        ("RM00101", "HOLD", "number", None),
        ("RM00101", "CREATDDT", "date", None),
        ("RM00101", "DEX_ROW_ID", "number", None),
        ("SY01200", "INETINFO", "text", None),
        ("SY03900", "TXTFIELD", "text", None),
    ],
)
def test_every_sql_type_is_of_one_kind(table, column, kind, length):
    found = schema.gp_column(table, column)
    assert (found.kind, found.length) == (kind, length)


def test_every_table_of_the_data_can_be_read():
    assert len(schema._gp_tables()) > 50
    assert len(schema._entities()) > 20


def test_a_dataverse_attribute_has_its_limits():
    assert schema.dataverse_attribute("account", "name").max_length == 160
    limit = schema.dataverse_attribute("account", "creditlimit")
    assert (limit.type, limit.minimum, limit.maximum, limit.decimals) == ("Money", 0, 100_000_000_000_000, 4)
    assert schema.dataverse_attribute("account", "paymenttermscode").options == {1, 2, 3, 4}
    assert schema.dataverse_attribute("account", "createdon").read_only
    assert schema.dataverse_attribute("quote", "totalamount").read_only
    assert schema.dataverse_attribute("opportunity", "estimatedclosedate").date_only


@pytest.mark.parametrize(
    ("look", "text"),
    [
        (lambda: schema.gp_table("SY1200"), "SY1200 is no GP table; did you mean SY01200?"),
        (lambda: schema.gp_column("RM00101", "CUSTNAM"), "CUSTNAM is no column of RM00101; did you mean CUSTNAME?"),
        (lambda: schema.gp_column("RM00101", "custname"), "custname is no column of RM00101; did you mean CUSTNAME?"),
        (lambda: schema.dataverse_entity("acount"), "acount is no Dataverse table; did you mean account?"),
        (lambda: schema.dataverse_attribute("account", "qqqqq"), "qqqqq is no column of account"),
    ],
)
def test_an_unknown_name_is_named_with_the_nearest_known_one(look, text):
    with pytest.raises(UnknownName) as caught:
        look()
    assert str(caught.value) == text


def test_a_parameter_takes_what_both_it_and_its_column_hold():
    name = schema.gp_parameter("RM00101", "CUSTNAME")
    assert (name.procedure, name.name, name.length) == ("taUpdateCreateCustomerRcd", "CUSTNAME", 64)
    assert schema.gp_parameter("RM00102", "PHONE1").name == "PHNUMBR1"
    assert schema.gp_parameter("RM00102", "PHONE1").length == 21
    assert schema.gp_parameter("SY01200", "EmailToAddress").length is None
    assert (schema.gp_parameter("RM00101", "BALNCTYP").low, schema.gp_parameter("RM00101", "BALNCTYP").high) == (0, 255)
    limit = schema.gp_parameter("RM00101", "CRLMTAMT")
    assert (limit.digits, limit.decimals) == (14, 5)


@pytest.mark.parametrize(
    ("table", "column"),
    [
        ("RM00101", "CUSTNMBR"),
        ("RM00102", "ADRSCODE"),
        ("RM00101", "CUSTDISC"),
        ("RM00103", "CUSTBLNC"),
        ("RM00101", "X"),
    ],
)
def test_what_no_procedure_writes_has_no_parameter(table, column):
    with pytest.raises(UnknownName, match=f"can't write {column} of {table}"):
        schema.gp_parameter(table, column)
