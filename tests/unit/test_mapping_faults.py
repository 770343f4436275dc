"""A faulty mapping file: every fault is told at start, with file, line and field."""

import pytest

from sync.errors import BadSettings
from sync.mapping import load_mapping
from tests.unit.customer_file import CUSTOMER, faults, load


@pytest.mark.parametrize(
    ("right", "wrong", "about"),
    [
        ("gp: CUSTNAME,", "gp: CUSTNAM,", "field name, gp: CUSTNAM is no column of RM00101; did you mean CUSTNAME?"),
        (
            "gp: bill_to.CITY",
            "gp: billto.CITY",
            "field address1_city, gp: billto is no joined table; did you mean bill_to?",
        ),
        (
            "gp: bill_to.CITY",
            "gp: bill_to",
            "field address1_city, gp: bill_to is a joined table: name one of its columns",
        ),
        ("bill_to.CITY", "bill_to.ShipToName", "field address1_city, gp: ShipToName is no column of RM00101"),
        (
            "dataverse: address1_city",
            "dataverse: adress1_city",
            "field adress1_city, dataverse: adress1_city is no column of account; did you",
        ),
        ("dataverse: name,", "dataverse: createdon,", "field createdon, dataverse: createdon can't be written"),
        (
            "dataverse: name,",
            "dataverse: lastonholdtime, converter: date,",
            "field lastonholdtime, converter: date can't read",
        ),
        ("telephone2", "telephone1", "field telephone1, dataverse: telephone1 is filled already"),
        ("telephone2", "gp365_key", "field gp365_key, dataverse: gp365_key is filled already"),
        (
            "converter: phone",
            "convertr: phone",
            "field telephone1, convertr: this word is unknown; did you mean converter?",
        ),
        (
            "converter: phone",
            "converter: fone",
            "field telephone1, converter: there is no converter fone; did you mean phone?",
        ),
        (
            "converter: flag",
            "converter: trim",
            "field creditonhold, converter: trim can't fill creditonhold (Boolean); these can: flag, not_flag",
        ),
        ("gp: HOLD", "gp: CUSTNAME", "field creditonhold, converter: flag can't read CUSTNAME, a char(65)"),
        ("gp: HOLD", "gp: [HOLD, INACTIVE]", "field creditonhold, gp: flag takes 1 column(s)"),
        ("{gp: HOLD,", "{", "field creditonhold: name its source: either gp or expr"),
        (
            "too_long: refuse",
            "too_long: refus",
            "field emailaddress1, too_long: Input should be 'refuse' or 'truncate'",
        ),
        (", too_long: refuse", "", "field emailaddress1, gp: 201 characters may not fit emailaddress1 (100)"),
        (
            "converter: flag",
            "converter: flag, too_long: refuse",
            "field creditonhold, too_long: creditonhold is no text",
        ),
        ("converter: flag", "converter: flag, item: 2", "field creditonhold, item: flag has no option item"),
        (
            "lookup: payment_terms",
            "lookup: payment_term",
            "field paymenttermscode, lookup: there is no look-up payment_term; did",
        ),
        ("gp: PYMTRMID", "gp: CRLMTAMT", "field paymenttermscode, lookup: CRLMTAMT, a numeric(19,5), holds no codes"),
        ("Net 45: 3", "Net 45: 9", "lookups, payment_terms.Net 45: gives 9, which is no choice of paymenttermscode"),
        ("Net 45: 3", "NET 30: 3", "lookups, payment_terms.NET 30: the code stands twice"),
        ("Net 45: 3", "Net 30: 3", "Net 30 stands twice"),
        ("required: true}", "required: true, when: '1 +'}", "field name, when: is no JSONata expression"),
        (
            "required: true}",
            "required: true, when: 'CTY = 1'}",
            "field name, when: CTY is no column of RM00101",
        ),
        ("required: true}", "required: true, default: 5}", "field name, default: 5 is no text"),
        ("  key: CUSTNMBR", "  key: CUSTNAME", "gp, key: CUSTNAME alone is not the key of RM00101"),
        ("ADRSCODE: PRSTADCD", "ADRSCOD: PRSTADCD", "gp, joins.ship_to.on.ADRSCOD: ADRSCOD is no column of RM00102"),
        (", ADRSCODE: PRSTADCD", "", "gp, joins.ship_to: several rows of RM00102 may fit: name ADRSCODE"),
        (
            "CUSTNMBR: CUSTNMBR, ADRSCODE: PRSTADCD",
            "ADRSCODE: PRSTADCD, CUSTNMBR: CPRCSTNM",
            "ship_to: a change in RM00102 can't be traced",
        ),
        (
            ", required: true, one_way: gp}",
            ", required: true}",
            "field accountnumber, gp: GP365 can't write CUSTNMBR of RM00101: write `one_way: gp`",
        ),
        (
            "converter: flag",
            "converter: flag, owner: latest",
            "field creditonhold, owner: a one-way field always takes",
        ),
        ("- {by: [name,", "- {by: [nam,", "match, 1.by.0: no field from GP fills nam; did you mean name?"),
        ("- {by: [name,", "- {by: [statecode,", "match, 1.by.0: statecode is no text of one line"),
        ("then: couple", "then: guess", "match, 0.then: Input should be 'couple' or 'park'"),
        ("shown_by: [name", "shown_by: [creditlimt", "dataverse, shown_by.0: no field from GP fills creditlimt"),
        ("pair: customer", "pair: customers", "pair: the file of pair customers must be called customers.yaml"),
        ("set: accounts", "set: account", "dataverse, set: account has accounts, not account"),
        ("entity: account", "entity: acount", "dataverse, entity: acount is no Dataverse table; did you mean account?"),
        ("mark: gp365_mark", "mark: gp365_marc", "dataverse, mark: gp365_marc is no column of account"),
        ("key: gp365_key", "key: creditlimit", "dataverse, key: must be a String column"),
        (
            "    gp365_mark: {type",
            "    new_mark: {type",
            "dataverse, columns.new_mark: a column of our own begins with gp365_",
        ),
        ("maxLength: 150, ", "", "dataverse, columns.gp365_key: maxLength belongs to String and Memo"),
        ("  columns:", "  options: {name: {1: x}}\n  columns:", "dataverse, options.name: is no choice of account"),
        ("on_delete: park", "on_delete: parkk", "on_delete, gp: Input should be 'park', 'deactivate' or 'ignore'"),
        ("on_delete: park", "on_delete: {dataverse: park}", "on_delete, dataverse: this word is unknown"),
        ("approve: create", "approve: sometimes", "approve: Input should be 'create', 'always' or 'never'"),
        ("on_delete: park", "cardinality: shared", "cardinality: Input should be 'account_per_company' or 'shared"),
        (
            "scope: customertypecode = 3",
            "scope: customertype = 3",
            "scope: customertype is no column of account; did you mean",
        ),
        ("scope: customertypecode = 3", "scope: 1 +", "scope: is no JSONata expression"),
        ("on_delete: park", "company: primarycontactid", "company: primarycontactid refers to another record (Lookup)"),
        (
            "ids: {by: name, letters: 8, digits: 4}",
            "ids: {by: expr}",
            "ids: expr belongs to `by: expr`, and is needed there",
        ),
        (
            "ids: {by: name, letters: 8, digits: 4}",
            "ids: {expr: name}",
            "ids: expr belongs to `by: expr`, and is needed there",
        ),
        (
            "ids: {by: name, letters: 8, digits: 4}",
            "ids: {by: expr, expr: nam}",
            "ids, expr: nam is no column of account; did you mean name?",
        ),
        (
            "ids: {by: name, letters: 8, digits: 4}",
            "ids: {of: nam}",
            "ids, of: nam is no column of account; did you mean name?",
        ),
        (
            "ids: {by: name, letters: 8, digits: 4}",
            "ids: {of: creditlimit}",
            "ids, of: creditlimit is no text of one line",
        ),
        (
            "ids: {by: name, letters: 8, digits: 4}",
            "ids: {letters: 10, digits: 6}",
            "ids, digits: 10 letters and 6 digits are more than 15",
        ),
        ("otherwise: main", "new: {CITY: X}", "gp, joins.bill_to.new.CITY: CITY is not in `on`"),
        ("region: US", "region: US\n\tx: 1", "line 4: found a tab character"),
    ],
)
def test_a_fault_is_named_with_file_line_and_field(tmp_path, right, wrong, about):
    assert right in CUSTOMER
    message = faults(tmp_path, CUSTOMER.replace(right, wrong, 1))
    assert about in message
    assert message.startswith("mappings/customer.yaml, line ")


def test_the_line_is_the_one_that_is_wrong(tmp_path):
    text = CUSTOMER.replace("gp: CUSTNAME,", "gp: CUSTNAM,")
    number = next(number for number, line in enumerate(text.splitlines(), 1) if "CUSTNAM," in line)
    assert faults(tmp_path, text).startswith(f"mappings/customer.yaml, line {number}: ")


@pytest.mark.parametrize(
    ("right", "wrong", "about"),
    [
        ("gp: CUSTNAME,", "gp: STMTNAME, edits: leave,", "field name, edits: belongs to a one-way field"),
        (
            "gp: CUSTNAME,",
            "gp: CPRCSTNM,",
            "field name, gp: GP365 can't write CPRCSTNM of RM00101: write `one_way: gp`",
        ),
        (
            "gp: CUSTNAME,",
            "expr: CUSTNAME & CITY, too_long: refuse,",
            "field name, expr: there is no way back: write `back`, or `one_way: gp`",
        ),
        ("gp: CUSTNAME,", "gp: CUSTNAME, back: {CITY: name},", "field name: `back` belongs to `expr`"),
        ("gp: CUSTNAME,", "expr: CITY, back: {CITY: nam},", "field name, back: nam is no column of account"),
        ("gp: CUSTNAME,", "expr: CITY, back: {CITY: 1 +},", "field name, back: is no JSONata expression"),
        ("gp: CUSTNAME,", "expr: CITY, back: {CTY: name},", "field name, back: CTY is no column of RM00101"),
        ("gp: CUSTNAME,", "expr: CITY, back: {bill.CITY: name},", "field name, back: bill is no joined table"),
        ("gp: PHONE2,", "gp: PHONE1,", "field telephone2, gp: PHONE1 is written from telephone1 already"),
        (
            "gp: internet.INET2, dataverse: websiteurl",
            "gp: internet.INET1, dataverse: websiteurl",
            "is written from email",
        ),
    ],
)
def test_a_fault_of_the_way_back_is_named(tmp_path, right, wrong, about):
    assert right in CUSTOMER
    assert about in faults(tmp_path, CUSTOMER.replace(right, wrong, 1))


def test_every_fault_is_told_at_once(tmp_path):
    text = CUSTOMER.replace("gp: CUSTNAME,", "gp: CUSTNAM,").replace("gp: HOLD", "gp: HOOLD")
    assert len(faults(tmp_path, text).splitlines()) == 2


def test_a_fault_of_an_overlay_names_the_overlay(tmp_path):
    over = "fields:\n  - dataverse: name\n    converter: nix\n"
    assert faults(tmp_path, over=over).startswith("overlays/customer.yaml, line 3: field name, converter: there is no")
    over = "fields: [{dataverse: nam, remove: true}]"
    assert "overlays/customer.yaml, line 1: there is no field nam to remove" in faults(tmp_path, over=over)


@pytest.mark.parametrize("text", ["", "- a", "5", "a: *nobody", "&a [*a]"])
def test_a_file_that_is_no_mapping_is_refused(tmp_path, text):
    assert "customer.yaml" in faults(tmp_path, text)


def test_a_file_that_cannot_be_read_is_refused(tmp_path):
    with pytest.raises(BadSettings, match="can't be read"):
        load_mapping(tmp_path / "customer.yaml")


def test_yaml_words_mean_what_they_say(tmp_path):
    over = """
        lookups: {words: {on: 'yes', NO: no, 010: 2027-01-01, 1: 'one'}}
    """
    words = load(tmp_path, over=over).lookups["words"]
    assert words == {"ON": "yes", "NO": "no", "010": "2027-01-01", "1": "one"}
