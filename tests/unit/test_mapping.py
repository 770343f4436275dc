from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.errors import CODES, BadSettings
from sync.mapping import Feed, Halves, load_all, load_mapping
from tests.unit.customer_file import MAPPINGS, faults, load

MAPPED = load_mapping(MAPPINGS / "customer.yaml")
AARON = {
    "CUSTNMBR": "AARONFIT0001",
    "CUSTNAME": "Aaron Fitz Electrical",
    "ADRSCODE": "PRIMARY",
    "ADDRESS1": "One Microsoft Way",
    "CITY": "Redmond",
    "PHONE1": "42555501010000",
    "PYMTRMID": "Net 30",
    "CRLMTTYP": 2,
    "CRLMTAMT": Decimal("35000.00000"),
    "HOLD": 0,
    "INACTIVE": 0,
    "bill_to.CUSTNMBR": "AARONFIT0001",
    "bill_to.ADRSCODE": "BILLING",
    "bill_to.ADDRESS1": "11403 45 St. South",
    "bill_to.ADDRESS2": "",
    "bill_to.CITY": "Chicago",
    "internet.INET1": "ann@fabrikam.com",
}


@pytest.fixture(scope="module")
def customer():
    return MAPPED


def record(mapping, **changed):
    values = (
        dict.fromkeys(mapping.gp.paths) | AARON | {path.replace("__", "."): value for path, value in changed.items()}
    )
    return {path: values.get(path) for path in mapping.gp.paths}


def convert(mapping, lookups=None, **changed):
    return mapping.convert(record(mapping, **changed), lookups or {})


def without_bill_to(mapping):
    return {path.replace(".", "__"): None for path in mapping.gp.paths if path.startswith("bill_to.")}


# --- a record ---------------------------------------------------------------------------------------------------------


def test_a_customer_becomes_the_values_of_an_account(customer):
    converted = convert(customer)
    assert converted.problems == []
    got = {name: halves.target for name, halves in converted.fields.items() if halves.target is not None}
    assert got == {
        "accountnumber": "AARONFIT0001",
        "name": "Aaron Fitz Electrical",
        "telephone1": "+1 425-555-0101",
        "emailaddress1": "ann@fabrikam.com",
        "address1_name": "BILLING",
        "address1_line1": "11403 45 St. South",
        "address1_city": "Chicago",
        "paymenttermscode": 1,
        "creditlimit": Decimal(35000),
        "creditonhold": False,
        "statecode": 0,
    }
    assert converted.fields.keys() == set(customer.attributes)


def test_the_source_half_is_what_gp_holds_and_several_columns_are_their_result_as_text(customer):
    fields = convert(customer, INACTIVE=1).fields
    assert fields["telephone1"] == Halves("42555501010000", "+1 425-555-0101")
    assert fields["paymenttermscode"] == Halves("Net 30", 1)
    assert fields["creditlimit"] == Halves("35000", Decimal(35000))
    assert fields["statecode"] == Halves(1, 1)
    assert fields["address1_line2"] == Halves(None, None)


def test_without_a_bill_to_row_the_customers_own_address_counts(customer):
    fields = convert(customer, **without_bill_to(customer)).fields
    assert fields["address1_name"].target == "PRIMARY"
    assert fields["address1_line1"].target == "One Microsoft Way"
    assert fields["address1_telephone1"].target == "+1 425-555-0101"


def test_addresses_are_never_mixed(customer):
    fields = convert(customer, ADDRESS2="Suite 1", bill_to__ADDRESS2="").fields
    assert fields["address1_line2"].target is None


def test_without_a_ship_to_row_the_second_address_is_emptied(customer):
    assert convert(customer).fields["address2_line1"] == Halves(None, None)


@pytest.mark.parametrize(
    ("changed", "code", "field", "words"),
    [
        ({"CUSTNAME": " "}, "value_required", "name", ["CUSTNAME", "needs a value"]),
        ({"CUSTNAME": "A" * 161}, "value_too_long", "name", ["CUSTNAME", "161", "160", "AAA…"]),
        ({"CUSTNAME": "A\x00B"}, "control_character", "name", ["CUSTNAME", "U+0000", "position 2"]),
        ({"CUSTNAME": "A\x1fB"}, "control_character", "name", ["U+001F"]),
        ({"PYMTRMID": "COD"}, "lookup_missing", "paymenttermscode", ["PYMTRMID 'COD'", "payment_terms"]),
        ({"internet__INET1": "ann"}, "email_invalid", "emailaddress1", ["internet.INET1 'ann'"]),
        ({"CRLMTTYP": 9}, "value_invalid", "creditlimit", ["CRLMTTYP, CRLMTAMT '9', '35000.00000'"]),
        ({"CRLMTAMT": Decimal(-1)}, "value_invalid", "creditlimit", ["less than 0"]),
        (
            {"CRLMTAMT": Decimal("100000000000000.01")},
            "value_invalid",
            "creditlimit",
            ["more than 100,000,000,000,000"],
        ),
        ({"CRLMTAMT": Decimal("0.00001")}, "value_invalid", "creditlimit", ["5 decimals", "keeps 4"]),
        ({"HOLD": 2}, "value_invalid", "creditonhold", ["HOLD '2'", "neither 0 nor 1"]),
        ({"PYMTRMID": Decimal(1)}, "value_invalid", "paymenttermscode", ["no code of the look-up payment_terms"]),
        ({"CRLMTAMT": Decimal("Infinity")}, "value_invalid", "creditlimit", ["no amount"]),
        ({"CUSTNAME": 5}, "value_invalid", "name", ["CUSTNAME '5'", "no text"]),
    ],
)
def test_what_cannot_pass_is_told_with_column_value_and_limit(customer, changed, code, field, words):
    converted = convert(customer, **changed)
    assert [(problem.code, problem.field) for problem in converted.problems] == [(code, field)]
    assert all(word in converted.problems[0].message for word in words)
    assert field not in converted.fields


def test_all_problems_of_a_record_are_told_at_once(customer):
    converted = convert(customer, CUSTNAME="", PYMTRMID="COD", internet__INET1="x")
    assert [problem.code for problem in converted.problems] == ["value_required", "email_invalid", "lookup_missing"]
    assert "telephone1" in converted.fields


def test_tab_and_line_end_pass(customer):
    assert convert(customer, CUSTNAME="A\tB\r\nC").problems == []


def test_a_path_that_was_not_read_is_a_problem_never_an_emptied_field(customer):
    values = record(customer)
    del values["CUSTNAME"]
    converted = customer.convert(values, {})
    assert converted.fields == {}
    assert [(problem.code, problem.path) for problem in converted.problems] == [("source_unreadable", "CUSTNAME")]


# --- look-ups ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", ["Net 30", "NET 30", "net 30"])
def test_a_code_is_looked_up_without_case_as_gp_compares(customer, code):
    assert convert(customer, PYMTRMID=code).fields["paymenttermscode"].target == 1


def test_a_blank_code_is_empty(customer):
    assert convert(customer, PYMTRMID="").fields["paymenttermscode"] == Halves(None, None)


def test_a_table_kept_as_data_wins_over_the_files(customer):
    tables = {"payment_terms": {"NET 30": 4, "COD": 3}}
    targets = [
        convert(customer, tables, PYMTRMID=code).fields["paymenttermscode"].target
        for code in ("Net 30", "COD", "Net 45")
    ]
    assert targets == [4, 3, 3]


def test_a_table_kept_as_data_is_checked_like_any_value(customer):
    problems = convert(customer, {"payment_terms": {"COD": 99}}, PYMTRMID="COD").problems
    assert [problem.code for problem in problems] == ["value_invalid"]
    assert "gives 99, which is no choice of paymenttermscode (1, 2, 3, 4)" in problems[0].message


def test_a_choice_that_an_installation_added_is_declared_in_its_overlay(tmp_path):
    over = """
        dataverse: {options: {paymenttermscode: {182330001: COD}}}
        lookups: {payment_terms: {COD: 182330001}}
    """
    fields = convert(load(tmp_path, over=over), PYMTRMID="COD").fields
    assert fields["paymenttermscode"].target == 182330001


def test_a_country_its_look_up_lacks_stays_as_typed(tmp_path):
    over = """
        lookups: {countries: {USA: United States}}
        fields: [{dataverse: address1_country, lookup: countries}]
    """
    mapping = load(tmp_path, over=over)
    assert convert(mapping, bill_to__COUNTRY="usa").fields["address1_country"] == Halves("usa", "United States")
    assert convert(mapping, bill_to__COUNTRY="Peru").fields["address1_country"] == Halves("Peru", "Peru")


# --- overlays and expressions -----------------------------------------------------------------------------------------


def test_an_overlay_adds_changes_and_removes_fields(tmp_path):
    over = """
        fields:
          - {gp: [COMMENT1, COMMENT2], dataverse: description, converter: lines}
          - {gp: SHRTNAME, dataverse: name}
          - {dataverse: websiteurl, remove: true}
    """
    mapping = load(tmp_path, over=over)
    converted = convert(mapping, COMMENT1="Pays late", COMMENT2="", SHRTNAME="Aaron", CUSTNAME="x")
    assert converted.fields["description"] == Halves("Pays late", "Pays late")
    assert converted.fields["name"].target == "Aaron"
    assert mapping.field("name").rule.required
    assert "websiteurl" not in mapping.attributes
    assert "internet.INET2" not in mapping.gp.paths


def test_an_overlay_may_replace_columns_by_an_expression(tmp_path):
    over = "one_way: gp\nfields: [{dataverse: creditlimit, expr: 'CRLMTTYP = 2 ? CRLMTAMT * 2 : null', converter: money, edits: revert}]"
    mapping = load(tmp_path, over=over)
    assert convert(mapping, CRLMTAMT=Decimal("1.25")).fields["creditlimit"] == Halves("2.5", Decimal("2.5"))
    assert convert(mapping, CRLMTTYP=1).fields["creditlimit"] == Halves(None, None)


def test_an_expression_reads_the_columns_it_names_and_the_main_table_where_the_row_is_missing(tmp_path):
    over = "one_way: gp\nfields: [{dataverse: description, expr: \"bill_to.CITY & '/' & SHRTNAME\"}]"
    mapping = load(tmp_path, over=over)
    assert "SHRTNAME" in mapping.gp.paths
    assert convert(mapping, SHRTNAME="s").fields["description"].target == "Chicago/s"
    assert convert(mapping, SHRTNAME="s", **without_bill_to(mapping)).fields["description"].target == "Redmond/s"


@pytest.mark.parametrize(
    ("expr", "words"),
    [
        ("$number(CUSTNAME) & ''", "fail"),
        ("[CUSTNAME, CITY]", "not one value"),
        ("$string(CRLMTAMT)", "too many digits"),
    ],
)
def test_an_expression_that_fails_is_a_problem_of_the_record(tmp_path, expr, words):
    mapping = load(tmp_path, over=f"one_way: gp\nfields: [{{dataverse: description, expr: {expr!r}}}]")
    problems = convert(mapping, CRLMTAMT=Decimal("12345678901234.56789"), CRLMTTYP=1).problems
    assert [problem.code for problem in problems] == ["value_invalid"]
    assert words in problems[0].message


def test_a_field_whose_condition_does_not_hold_is_left_alone(tmp_path):
    mapping = load(tmp_path, over="fields: [{dataverse: telephone2, when: 'CUSTCLAS = \"RETAIL\"'}]")
    assert "telephone2" in convert(mapping, CUSTCLAS="RETAIL").fields
    assert "telephone2" not in convert(mapping, CUSTCLAS="").fields


def test_a_condition_must_be_true_or_false(tmp_path):
    mapping = load(tmp_path, over="fields: [{dataverse: telephone2, when: CUSTCLAS}]")
    assert [problem.code for problem in convert(mapping, CUSTCLAS="RETAIL").problems] == ["value_invalid"]


def test_a_default_fills_an_empty_value(tmp_path):
    mapping = load(tmp_path, over="fields: [{dataverse: paymenttermscode, default: 4}]")
    assert convert(mapping, PYMTRMID="").fields["paymenttermscode"] == Halves(None, 4)


def test_a_text_is_cut_only_where_the_file_says_so(tmp_path):
    mapping = load(tmp_path, over="fields: [{dataverse: name, too_long: truncate}]")
    assert convert(mapping, CUSTNAME="A" * 161).fields["name"].target == "A" * 160


def test_a_secret_value_is_never_shown(tmp_path):
    over = """
        one_way: gp
        fields:
          - {dataverse: name, secret: true}
          - {dataverse: description, secret: true, expr: "$number(TXRGNNUM)"}
    """
    problems = convert(load(tmp_path, over=over), CUSTNAME="SECRET\x00", TXRGNNUM="SECRET").problems
    assert [problem.code for problem in problems] == ["control_character", "value_invalid"]
    assert all("(hidden)" in problem.message and "SECRET" not in problem.message for problem in problems)


# --- what others use --------------------------------------------------------------------------------------------------


def test_feeds_lead_from_every_read_table_to_the_customer(customer):
    assert customer.feeds() == [
        Feed("RM00101", "", ("CUSTNMBR",), {}),
        Feed("RM00102", "bill_to", ("CUSTNMBR",), {}),
        Feed("SY01200", "internet", ("Master_ID",), {"Master_Type": "CUS"}),
    ]


def test_a_table_that_nobody_reads_has_no_feed(tmp_path):
    over = "fields: [{dataverse: emailaddress1, remove: true}, {dataverse: websiteurl, remove: true}]"
    mapping = load(tmp_path, over=over)
    assert [feed.table for feed in mapping.feeds()] == ["RM00101", "RM00102"]
    assert "internet" not in mapping.reads


def test_reads_name_key_identity_and_every_path(customer):
    assert customer.reads[""][:2] == ("CUSTNMBR", "NOTEINDX")
    named = {f"{alias}.{column}".lstrip(".") for alias, columns in customer.reads.items() for column in columns}
    assert named == {*customer.gp.paths, "NOTEINDX"}


def test_the_target_is_read_with_id_key_and_mark(customer):
    assert customer.dataverse.select[:3] == ("accountid", "gp365_key", "gp365_mark")
    assert set(customer.dataverse.select[3:]) == {*customer.attributes, "customertypecode"}
    assert customer.attribute("gp365_key").max_length == 150


def test_a_pairs_one_way_holds_for_its_fields(tmp_path):
    assert all(field.one_way and field.owner == "gp" for field in load(tmp_path, over="one_way: gp").fields)


def test_policies_of_a_delete_are_told_for_each_side_and_one_word_speaks_of_gp(tmp_path):
    assert (customer_rules := MAPPED.rules.on_delete).gp == MAPPED.on_delete == "park"
    assert customer_rules.d365 == "park"
    rules = load(tmp_path, over="on_delete: deactivate").rules
    assert (rules.on_delete.gp, rules.on_delete.d365) == ("deactivate", "park")
    rules = load(tmp_path, over="on_delete: {d365: ignore}").rules
    assert (rules.on_delete.gp, rules.on_delete.d365) == ("park", "ignore")


def test_new_words_may_stand_in_an_overlay(tmp_path):
    over = """
        scope: customertypecode = 3
        company: gp365_company
        approve: always
        ids: {by: number}
        dataverse: {columns: {gp365_company: {type: String, maxLength: 5, label: Company}}}
    """
    mapping = load(tmp_path, over=over)
    assert mapping.routing == ("gp365_key", "customertypecode", "gp365_company")
    assert set(mapping.routing) <= set(mapping.dataverse.select)
    assert mapping.in_scope({"customertypecode": 3})
    assert mapping.company_of({"gp365_company": "two"}, ("TWO", "THREE")) == "TWO"
    assert next(mapping.ids({"accountnumber": "C1"})) == "C1"
    assert mapping.rules.approve == "always"


def test_without_such_words_every_account_takes_part_and_new_ids_come_from_names(tmp_path):
    customer = load(tmp_path, over="scope: null\nids: null")
    assert customer.routing == ("gp365_key",)
    assert customer.in_scope({})
    assert customer.company_of({}, ("TWO",)) == "TWO"
    assert next(customer.ids({"name": "Aaron Fitz"})) == "AARONFIT0001"


def test_what_an_id_or_a_way_back_is_made_from_is_read(tmp_path):
    over = """
        ids: {by: expr, expr: stockexchange}
        fields:
          - {dataverse: description, expr: COMMENT1, back: {COMMENT1: tickersymbol}, one_way: d365}
    """
    assert {"stockexchange", "tickersymbol"} <= set(load(tmp_path, over=over).dataverse.values)


def test_a_field_that_comes_from_dataverse_alone_is_not_made_from_gp(tmp_path):
    mapping = load(tmp_path, over="fields: [{dataverse: telephone3, one_way: d365}]")
    assert mapping.field("telephone3").side == "d365"
    assert "telephone3" not in convert(mapping).fields


def test_load_all_takes_a_folder_and_an_overlay_of_the_same_name(tmp_path):
    (tmp_path / "customer.yaml").write_text("fields: [{dataverse: websiteurl, remove: true}]", "utf-8")
    assert "websiteurl" not in load_all(MAPPINGS, tmp_path)["customer"].attributes
    assert "websiteurl" in load_all(MAPPINGS)["customer"].attributes


def test_an_overlay_for_a_mapping_that_is_not_there_is_refused(tmp_path):
    (tmp_path / "custmer.yaml").write_text("pair: customer", "utf-8")
    with pytest.raises(BadSettings, match=r"custmer\.yaml: there is no mapping it could change; did you mean customer"):
        load_all(MAPPINGS, tmp_path)


# --- whatever GP holds ------------------------------------------------------------------------------------------------

TEXT = st.text(st.characters(codec="cp1252"), max_size=201)
ANYTHING = st.one_of(TEXT, st.none(), st.integers(), st.decimals(), st.dates())


@given(st.data())
def test_any_record_gives_a_field_or_a_problem_for_every_attribute(data):
    values = {path: data.draw(ANYTHING, label=path) for path in MAPPED.gp.paths}
    converted = MAPPED.convert(values, {})
    told = [problem.field for problem in converted.problems]
    assert sorted([*converted.fields, *told]) == sorted(MAPPED.attributes)
    assert all(problem.code in CODES and problem.message for problem in converted.problems)


@given(TEXT)
def test_a_text_that_passes_fits_its_column(text):
    converted = MAPPED.convert(record(MAPPED) | {"CUSTNAME": text}, {})
    if "name" in converted.fields:
        assert converted.fields["name"].target == text.strip(" ")
        assert len(text.strip(" ")) <= 160
    else:
        assert converted.problems


def test_converting_changes_neither_the_record_nor_the_mapping(customer):
    values = record(customer, **without_bill_to(customer))
    before = dict(values)
    assert customer.convert(values, {}) == customer.convert(values, {})
    assert values == before


def test_the_brake_has_figures_of_its_own_and_an_overlay_may_change_some(tmp_path):
    brake = MAPPED.rules.brake
    assert (brake.deletes, brake.changes, brake.at_least) == (Decimal("0.05"), Decimal("0.5"), 20)
    brake = load(tmp_path, over="brake: {deletes: 0.5%}").rules.brake
    assert (brake.deletes, brake.changes, brake.at_least) == (Decimal("0.005"), Decimal("0.5"), 20)


@pytest.mark.parametrize("share", ["5", "0.05", "101%", "-1%", "five%", "'%'", "NaN%", "true", "[5%]"])
def test_a_share_that_is_none_is_refused_with_what_to_write(tmp_path, share):
    assert "is no share of the known records: write 0% to 100%, such as 5%" in faults(
        tmp_path, over=f"brake: {{deletes: {share}}}"
    )


@pytest.mark.parametrize("few", ["0", "-3", "5%"])
def test_a_brake_at_fewer_than_one_is_refused(tmp_path, few):
    assert "brake, at_least" in faults(tmp_path, over=f"brake: {{at_least: {few}}}")


def test_an_unknown_word_of_the_brake_is_told(tmp_path):
    assert "did you mean deletes?" in faults(tmp_path, over="brake: {delets: 5%}")
