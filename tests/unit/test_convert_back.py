"""What Dataverse holds goes back to GP, and what GP makes of it comes again: the law of the round trip and its rules."""

import unicodedata
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sync import gp_limits, schema
from sync.errors import CODES, Rejected
from sync.mapping import BackHalves, load_mapping
from sync.mapping_checks import resolve
from sync.value import same

HERE = Path(__file__).parent
CUSTOMER = HERE.parents[1] / "sync" / "mappings" / "customer.yaml"
TWO_WAY = load_mapping(CUSTOMER, HERE / "two_way" / "customer.yaml")
WIDE = load_mapping(CUSTOMER, HERE / "two_way" / "wide" / "customer.yaml")
RETURNING = {field.name: field for field in WIDE.fields if field.returns}

AARON = {
    "CUSTNMBR": "AARONFIT0001",
    "CUSTNAME": "Aaron Fitz Electrical",
    "ADRSCODE": "PRIMARY",
    "PHONE1": "42555501010000",
    "CITY": "Redmond",
    "PYMTRMID": "NET 30",
    "CRLMTTYP": 2,
    "CRLMTAMT": Decimal(35000),
    "HOLD": 0,
    "INACTIVE": 0,
    "bill_to.CUSTNMBR": "AARONFIT0001",
    "bill_to.ADRSCODE": "BILLING",
    "bill_to.CITY": "Chicago",
    "ship_to.CUSTNMBR": "AARONFIT0001",
    "ship_to.ADRSCODE": "WAREHOUSE",
    "ship_to.CITY": "Detroit",
    "internet.Master_ID": "AARONFIT0001",
    "internet.ADRSCODE": "PRIMARY",
    "internet.INET1": "ann@fabrikam.com; bob@fabrikam.com",
}


def blank(mapping):
    """What GP holds where nothing was ever typed."""
    return {path: gp_limits.blank(resolve(mapping.rules.gp, path).kind) for path in mapping.gp.paths}


BLANK = blank(WIDE)


def gp(mapping=WIDE, **changed):
    """What GP holds of a customer; `bill_to__CITY` is the path `bill_to.CITY`."""
    values = AARON | {path.replace("__", "."): value for path, value in changed.items()}
    return blank(mapping) | {path: value for path, value in values.items() if path in mapping.gp.paths}


def dataverse(mapping=WIDE, held=None, **changed):
    """What Dataverse holds of the same account: what GP's values become, and what was changed there."""
    converted = mapping.convert(held or gp(mapping), {})
    values = dict.fromkeys(mapping.dataverse.values)
    return values | {name: halves.target for name, halves in converted.fields.items()} | changed


def back(name, value, mapping=WIDE, lookups=None, **held):
    present = gp(mapping, **held)
    return mapping.convert_back(dataverse(mapping, present, **{name: value}), lookups or {}, present).fields[name]


def refusal(name, value, mapping=WIDE, lookups=None, **held):
    present = gp(mapping, **held)
    returned = mapping.convert_back(dataverse(mapping, present, **{name: value}), lookups or {}, present)
    assert name not in returned.fields
    (problem,) = [problem for problem in returned.problems if problem.field == name]
    return problem


def without(alias, mapping=WIDE):
    return {path.replace(".", "__"): None for path in mapping.gp.paths if path.startswith(f"{alias}.")}


# --- the law ----------------------------------------------------------------------------------------------------------

CP1252 = st.characters(codec="cp1252")
KINDS = {"tinyint": st.integers(0, 255), "smallint": st.integers(-(2**15), 2**15 - 1), "int": st.integers(-9, 9)}
PHONES = st.from_regex(r"([2-9]\d{2}[2-9]\d{6}(\d{4})?|\+?[\d ().-]{0,18}( ?x ?\d{1,4})?)", fullmatch=True)
EMAILS = st.from_regex(r"[a-z]{1,3}@[a-z]{1,3}\.com", fullmatch=True)
CODES_USED = st.sampled_from(
    ["", "Net 30", "net 45", "2% 10/Net 30", "USA", "usa", "U.S.A.", "D", "RETAIL", "Whole Sale", "COD"]
)


def gp_values(path):
    """Everything that GP can hold in a column, and often what means something there."""
    column = resolve(WIDE.rules.gp, path)
    if column.kind == "amount":
        return st.decimals(0, 10**14 - 1, places=5) | st.just(Decimal(0))
    if column.kind == "date":
        return st.none() | st.dates(date(1900, 1, 2))
    if column.kind == "number":
        return st.integers(0, 3) | KINDS[column.type]
    typed = st.text(CP1252, max_size=column.length)
    known = CODES_USED | EMAILS | st.lists(EMAILS, max_size=4).map("; ".join)
    return (PHONES if "PHONE" in path or "FAX" in path else typed | known).map(
        lambda text: text[: column.length].rstrip(" ")
    )


@st.composite
def one_field(draw):
    """A field with a way back, and a record of GP in which its columns hold anything; rows may be missing."""
    field = RETURNING[draw(st.sampled_from(sorted(RETURNING)))]
    held = BLANK | draw(st.sampled_from([{}, gp()]))
    held |= {path: draw(gp_values(path)) for path in dict.fromkeys([*field.paths, *field.writes])}
    gone = draw(st.sampled_from(["", "bill_to", "ship_to", "internet"]))
    return field.name, held | {path: None for path in held if path.startswith(f"{gone}.")}


def d365_values(name):
    """Everything that Dataverse can hold in an attribute."""
    attribute = WIDE.attribute(name)
    match attribute.type:
        case "Boolean":
            return st.none() | st.booleans()
        case "Picklist" | "State":
            return st.none() | st.sampled_from(sorted(attribute.options or {0, 1}))
        case "Integer":
            return st.none() | st.integers(attribute.minimum, attribute.maximum) | st.integers(0, 99)
        case "Money":
            return (
                st.none() | st.decimals(attribute.minimum, attribute.maximum, places=4) | st.integers(0, 9).map(Decimal)
            )
        case "DateTime":
            return st.none() | st.dates(date(1753, 1, 1))
    typed = st.text(st.characters(exclude_categories=["Cs"]), max_size=30) | st.text(
        CP1252, max_size=attribute.max_length
    )
    lines = st.lists(st.text(CP1252, max_size=31), max_size=3).map("\n".join)
    return (
        st.none()
        | typed
        | EMAILS
        | PHONES
        | lines
        | st.sampled_from(["United States", "Germany", "usa", "Peru", "a/b"])
    )


@given(one_field())
def test_what_gp_holds_comes_back_as_it_was_and_nothing_is_written(drawn):
    name, held = drawn
    converted = WIDE.convert(held, {}).fields
    if name in converted:
        values = dict.fromkeys(WIDE.dataverse.values) | {name: converted[name].target}
        assert converted[name].source == WIDE.gp_halves(held)[name]
        assert WIDE.convert_back(values, {}, held).fields[name] == BackHalves(
            converted[name].target, converted[name].source, {}
        )


@settings(max_examples=400)
@given(st.data(), one_field(), st.booleans())
def test_what_dataverse_holds_comes_again_or_is_refused_or_takes_a_documented_form(data, drawn, new):
    name, held = drawn[0], BLANK if new else drawn[1]
    value = data.draw(d365_values(name))
    values = dict.fromkeys(WIDE.dataverse.values) | {"name": "Aaron", name: value}
    returned = WIDE.convert_back(values, {}, None if new else held)
    assert all(problem.code in CODES and problem.message for problem in returned.problems)
    if name not in returned.fields:
        told = any(problem.field == name for problem in returned.problems)
        assert told or RETURNING[name].when or (new and value in (None, ""))
        return
    halves = returned.fields[name]
    after = held | halves.columns
    target = WIDE.convert(after, {}).fields[name].target
    assert same(WIDE.gp_halves(after)[name], halves.target)
    assert same(target, value) or again(name, value, target)
    assert all(fits(path, column) for path, column in halves.columns.items())


def again(name, typed, shown):
    """Whether a value that came again in another form is one of those that the documentation names."""
    field = RETURNING[name]
    typed = unicodedata.normalize("NFC", typed) if isinstance(typed, str) else typed
    if typed in (None, ""):
        return shown in (0, False, field.rule.default) or field.converter.name == "email"
    match field.converter.name:
        case "trim" if field.rule.too_long == "truncate":
            return typed.strip(" ").startswith(shown)
        case "trim":
            return shown == (typed.strip(" ") or None)
        case "lines":
            return (shown or "") == "\n".join(filter(None, (line.strip(" ") for line in typed.splitlines())))
        case "country":
            return shown in (typed.strip(" ") or None, "United States", "Germany")
        case "email":
            return field.options.item > 1 and shown is None
        case "phone":
            return (shown is None and not digits(typed).strip("0")) or digits(shown).endswith(
                digits(typed).lstrip("01")
            )
    return False


def digits(text):
    return "".join(char for char in text if char.isascii() and char.isdigit()).removesuffix("0000")


def fits(path, value):
    """Whether a column and the parameter that writes it take a value as it is."""
    alias, _, column = path.rpartition(".")
    parameter = schema.gp_parameter(WIDE.rules.gp.joins[alias].table if alias else "RM00101", column)
    match value:
        case str():
            return len(value.encode("cp1252")) <= parameter.length
        case Decimal():
            return abs(value) < 10**14 and value == round(value, 5)
        case int():
            return parameter.low <= value <= parameter.high
    return value is None or value >= date(1900, 1, 2)


# --- what GP holds already is left as it is ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "value", "held"),
    [
        ("telephone1", "+1 414-555-0145", {"PHONE1": "(414) 555 0145"}),
        ("paymenttermscode", 1, {"PYMTRMID": "NET 30"}),
        ("industrycode", 3, {"STMTCYCL": 4}),
        ("address1_country", "United States", {"bill_to__COUNTRY": "u.s.a."}),
        ("creditlimit", Decimal(0), {"CRLMTTYP": 2, "CRLMTAMT": Decimal(0)}),
        ("creditlimit", None, {"CRLMTTYP": 1, "CRLMTAMT": Decimal(500)}),
        ("description", "two", {"COMMENT1": "", "COMMENT2": "two"}),
        ("emailaddress1", "ann@x.com", {"internet__INET1": "mailto:ann@x.com, bob@x.com"}),
        ("preferredcontactmethodcode", 1, {"CUSTCLAS": ""}),
        ("name", "Aaron", {"CUSTNAME": " Aaron"}),
    ],
)
def test_what_means_the_same_in_gp_is_not_written(name, value, held):
    halves = back(name, value, **held)
    assert halves.columns == {}
    assert halves.target == WIDE.gp_halves(gp(**held))[name]


def test_gps_half_is_known_also_where_a_value_cannot_be_converted():
    halves = WIDE.gp_halves(gp(PYMTRMID="COD", CRLMTTYP=9, CUSTNAME="A\x00", internet__INET1="ann at x; b@x.com"))
    assert halves.keys() == set(WIDE.attributes)
    assert halves["paymenttermscode"] == "COD"
    assert halves["creditlimit"] == "(9, 35000)"
    assert halves["name"] == "A\x00"
    assert (halves["emailaddress1"], halves["emailaddress2"]) == ("ann at x", "b@x.com")


def test_gps_half_of_a_row_that_was_read_in_part_is_nothing_and_never_an_error():
    assert set(TWO_WAY.gp_halves({}).values()) == {None}


# --- look-ups backwards -----------------------------------------------------------------------------------------------


def test_a_code_is_written_as_the_file_spells_it():
    assert back("paymenttermscode", 2).columns == {"PYMTRMID": "2% 10/Net 30"}
    assert back("industrycode", 2).columns == {"STMTCYCL": 2}
    assert back("preferredcontactmethodcode", 3).columns == {"CUSTCLAS": "Whole Sale"}


def test_a_value_of_several_codes_is_refused_with_their_names():
    problem = refusal("industrycode", 3, STMTCYCL=1)
    assert problem.code == "lookup_ambiguous"
    assert problem.message == "industrycode '3' is the value of several codes of the look-up cycles: 3, 4"
    assert problem.path == "STMTCYCL"


def test_a_value_of_no_code_is_refused_and_a_country_stays_as_typed():
    assert refusal("paymenttermscode", 7).code == "lookup_missing"
    assert back("address1_country", "Peru").columns == {"bill_to.COUNTRY": "Peru"}
    assert back("address1_country", "Germany").columns == {"bill_to.COUNTRY": "D"}


def test_tables_kept_as_data_win_over_the_files_on_the_way_back_too():
    tables = {"payment_terms": {"COD": 2, "2% 10/NET 30": 4, "NET 60": 3, "NET 45": 4}}
    assert back("paymenttermscode", 2, lookups=tables).columns == {"PYMTRMID": "COD"}
    assert refusal("paymenttermscode", 4, lookups=tables).code == "lookup_ambiguous"


def test_an_empty_code_is_blank():
    assert back("paymenttermscode", None).columns == {"PYMTRMID": ""}


# --- what GP could not keep -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "value", "code", "words"),
    [
        ("name", "A" * 65, "value_too_long", ["has 65 characters", "CUSTNAME takes 64"]),
        ("address1_postalcode", "12345678901", "value_too_long", ["ZIP takes 10"]),
        ("address1_line1", "A" * 61, "value_too_long", ["ADDRESS1 takes 60"]),
        ("emailaddress1", "a" * 95 + "@x.com", "value_too_long", ["takes 100"]),
        ("name", "", "value_required", ["name (empty)", "CUSTNAME needs a value"]),
        ("name", "Łódź", "character_unknown", ["U+0141 at position 1", "code page 1252"]),
        ("name", "A\nB", "control_character", ["U+000A at position 2"]),
        ("name", 5, "value_invalid", ["is no text"]),
        ("emailaddress1", "ann", "email_invalid", ["'ann' is no e-mail"]),
        ("creditlimit", Decimal(-1), "value_invalid", ["less than 0"]),
        ("revenue", Decimal("1E14"), "value_invalid", ["14 digits"]),
        ("numberofemployees", 40000, "value_invalid", ["between -32,768 and 32,767"]),
        ("lastusedincampaign", date(1900, 1, 1), "value_invalid", ["before 1900-01-02"]),
        ("customertypecode", None, "value_invalid", ["gives 0, which is no choice"]),
        ("description", "a\nb\nc", "value_too_long", ["has 3 lines, GP has room for 2"]),
        ("stockexchange", "a/b/", "value_invalid", []),
    ],
)
def test_what_gp_could_not_keep_is_refused_before_gp_is_touched(name, value, code, words):
    if (name, value) == ("stockexchange", "a/b/"):
        assert back(name, value).columns == {"USERDEF1": "a", "USERDEF2": "b/"}
        return
    problem = refusal(name, value)
    assert problem.code == code
    assert all(word in problem.message for word in words)


def test_a_letter_and_its_accent_typed_apart_fit_the_code_page_as_one():
    assert back("name", "Cafe\u0301").columns == {"CUSTNAME": "Caf\u00e9"}


def test_an_expression_that_does_not_make_the_value_again_is_refused():
    problem = refusal("stockexchange", "a/")
    assert (problem.code, problem.message) == ("value_invalid", "stockexchange 'a/' would come back from GP as 'a'")


def test_a_text_is_cut_only_where_the_file_says_so_and_then_gp_is_left_alone_later():
    halves = back("address2_line1", "A" * 61)
    assert halves.columns == {"ship_to.ADDRESS1": "A" * 60}
    assert back("address2_line1", "A" * 60, ship_to__ADDRESS1="A" * 60).columns == {}


def test_a_secret_value_is_never_shown(tmp_path):
    overlay = tmp_path / "customer.yaml"
    text = (HERE / "two_way" / "customer.yaml").read_text("utf-8")
    overlay.write_text(text + "  - {dataverse: name, secret: true}\n", "utf-8")
    mapping = load_mapping(CUSTOMER, overlay)
    problem = refusal("name", "SECRET" * 20, mapping)
    assert problem.message == "name (hidden) has 120 characters, GP's CUSTNAME takes 64"


def test_an_attribute_that_was_not_read_is_a_problem_never_an_emptied_column():
    values = dataverse()
    del values["name"]
    returned = WIDE.convert_back(values, {}, gp())
    assert "name" not in returned.fields
    assert ("source_unreadable", "name") in [(problem.code, problem.field) for problem in returned.problems]


# --- which fields -----------------------------------------------------------------------------------------------------


def test_fields_that_go_both_ways_return_and_those_whose_edits_are_requests():
    returned = TWO_WAY.convert_back(dataverse(TWO_WAY), {}, gp(TWO_WAY)).fields
    assert {"name", "telephone1", "emailaddress1", "creditlimit", "statecode"} <= returned.keys()
    assert {"accountnumber", "address1_name"}.isdisjoint(returned)
    edits = {field.name: field.edits for field in TWO_WAY.fields}
    assert (edits["creditlimit"], edits["accountnumber"], edits["name"]) == ("request", "revert", None)


def test_a_field_whose_condition_does_not_hold_in_gp_is_left_out():
    assert back("ftpsiteurl", "x", MINPYTYP=0).columns == {"STMTNAME": "x"}
    assert "ftpsiteurl" not in WIDE.convert_back(dataverse(), {}, gp(MINPYTYP=1)).fields


def test_the_condition_of_a_new_record_is_asked_of_what_it_will_hold(tmp_path):
    overlay = tmp_path / "customer.yaml"
    text = (HERE / "two_way" / "wide" / "customer.yaml").read_text("utf-8")
    overlay.write_text(text.replace("MINPYTYP = 0", "CUSTCLAS = 'RETAIL'"), "utf-8")
    mapping = load_mapping(CUSTOMER, overlay)
    values = dataverse(mapping, blank(mapping), name="A", ftpsiteurl="x")
    assert "ftpsiteurl" not in mapping.convert_back(values, {}, None).fields
    values["preferredcontactmethodcode"] = 2
    assert mapping.convert_back(values, {}, None).fields["ftpsiteurl"].columns == {"STMTNAME": "x"}


def test_of_a_new_record_only_what_is_filled_is_written_so_that_gps_class_may_fill_the_rest():
    values = dict.fromkeys(TWO_WAY.dataverse.values) | {"name": "Aaron", "creditonhold": False}
    returned = TWO_WAY.convert_back(values, {}, None)
    assert returned.problems == []
    assert {name: halves.columns for name, halves in returned.fields.items()} == {
        "name": {"CUSTNAME": "Aaron"},
        "creditonhold": {"HOLD": 0},
    }


# --- where it is written ----------------------------------------------------------------------------------------------


def test_without_a_bill_to_row_the_customers_own_address_is_written():
    held = without("bill_to")
    assert back("address1_city", "Boston", **held).columns == {"CITY": "Boston"}
    assert back("address1_city", "Redmond", **held).columns == {}


def test_without_a_ship_to_row_its_columns_are_written_all_the_same():
    assert back("address2_city", "Boston", **without("ship_to")).columns == {"ship_to.CITY": "Boston"}


def together(names, held=None, mapping=WIDE, **changed):
    values = dataverse(mapping, held, **changed)
    return mapping.columns(names, mapping.convert_back(values, {}, held), held)


def test_the_addresses_of_one_list_are_written_together():
    held = gp(internet__INET1="a@x.com;b@x.com")
    new = {"emailaddress1": None, "emailaddress2": "c@x.com", "emailaddress3": "d@x.com"}
    assert together(new, held, **new) == {"internet.INET1": "c@x.com; d@x.com"}
    assert together(["emailaddress2"], held, **new) == {"internet.INET1": "a@x.com; c@x.com"}


def test_a_list_that_does_not_fit_as_a_whole_is_refused():
    new = {f"emailaddress{item}": "a" * 80 + f"{item}@x.com" for item in (1, 2, 3)}
    with pytest.raises(Rejected) as caught:
        together(new, gp(internet__INET1=""), **new)
    assert caught.value.code == "value_too_long"


def test_what_is_one_place_in_gp_is_named_by_both_its_paths_for_gps_side_to_judge():
    held = gp(ship_to__ADRSCODE="BILLING", ship_to__CITY="Chicago")
    both = ["address1_city", "address2_city"]
    assert together(both, held, address1_city="A", address2_city="B") == {"bill_to.CITY": "A", "ship_to.CITY": "B"}
    assert {"bill_to.ADRSCODE", "ship_to.ADRSCODE", "bill_to.CUSTNMBR", "ship_to.CUSTNMBR"} <= set(TWO_WAY.gp.paths)


def test_two_fields_that_write_one_column_must_agree():
    """A bill-to address that does not exist is the customer's own columns: its phone is the customer's."""
    held = gp(**without("bill_to"))
    both = {"telephone1": "+1 414-555-0145", "address1_telephone1": "(414) 555 0145"}
    assert together(both, held, **both) == {"PHONE1": "41455501450000"}
    with pytest.raises(Rejected, match="PHONE1 would get two different values") as caught:
        together(both, held, **both | {"address1_telephone1": None})
    assert caught.value.code == "one_in_gp"


def test_what_a_new_record_writes_is_told_by_path():
    new = {"name": "A", "address1_city": "A", "address2_city": "B"}
    values = dict.fromkeys(TWO_WAY.dataverse.values) | new
    returned = TWO_WAY.convert_back(values, {}, None)
    assert TWO_WAY.columns(new, returned, None) == {"CUSTNAME": "A", "bill_to.CITY": "A", "ship_to.CITY": "B"}
