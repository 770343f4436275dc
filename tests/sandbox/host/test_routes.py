import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.host.errors import HostError, UnknownToHost
from sandbox.host.routes import Route

GUID = "7f3c2e1a-0000-4000-8000-00000000abcd"


@pytest.mark.parametrize(
    ("template", "path", "values"),
    [
        ("orders", "ORDERS", {}),
        ("orders", "orders/1", None),
        ("orders/{id}", "orders", None),
        ("orders/{id?}", "orders", {}),
        ("orders/{id=new}", "orders", {"id": "new"}),
        ("orders/{id=new}", "orders/7", {"id": "7"}),
        ("files/{*path}", "files/a/b/c", {"path": "a/b/c"}),
        ("files/{*path}", "files", {}),
        ("x/{id:int}", "x/-12", {"id": "-12"}),
        ("x/{id:int}", "x/2147483648", None),
        ("x/{id:long}", "x/2147483648", {"id": "2147483648"}),
        ("x/{id:int?}", "x", {}),
        ("x/{flag:bool}", "x/True", {"flag": "True"}),
        ("x/{flag:bool}", "x/1", None),
        ("x/{id:guid}", f"x/{GUID}", {"id": GUID}),
        ("x/{id:guid}", "x/17", None),
        ("x/{when:datetime}", "x/2026-11-24", {"when": "2026-11-24"}),
        ("x/{price:decimal}", "x/1.5", {"price": "1.5"}),
        ("x/{price:double}", "x/dear", None),
        ("x/{name:alpha}", "x/b0b", None),
        ("x/{code:length(3)}", "x/abcd", None),
        ("x/{code:length(2,3)}", "x/ab", {"code": "ab"}),
        ("x/{code:minlength(3)}", "x/ab", None),
        ("x/{code:maxlength(3)}", "x/abcd", None),
        ("x/{id:min(5)}", "x/4", None),
        ("x/{id:max(5)}", "x/5", {"id": "5"}),
        ("x/{id:int:range(1,9)}", "x/10", None),
        ("x/{code:regex(^TWO)}", "x/two-1", {"code": "two-1"}),
    ],
)
def test_a_template_matches_as_in_aspnet(template, path, values):
    assert Route(template, "f").match(path) == values


def test_literals_go_before_constrained_before_free_before_catch_all():
    templates = ["x/{*rest}", "x/{id}", "x/{id:int}", "x/new"]
    ranked = sorted(templates, key=lambda template: Route(template, "f").rank)
    assert ranked == ["x/new", "x/{id:int}", "x/{id}", "x/{*rest}"]


@pytest.mark.parametrize("template", ["x/{id:region}", "x/{a}-{b}", "x/{id:alpha(1)}"])
def test_what_is_not_imitated_is_refused(template):
    with pytest.raises(UnknownToHost, match="function f"):
        Route(template, "f")


def test_a_constraint_without_its_number_is_an_error():
    with pytest.raises(HostError, match=r"function f.*length"):
        Route("x/{id:length(a)}", "f")


@given(st.lists(st.text(st.characters(exclude_characters="/"), min_size=1), min_size=1, max_size=4))
def test_free_parameters_take_every_segment_as_it_is(segments):
    template = "/".join(f"{{p{number}}}" for number in range(len(segments)))
    values = Route(template, "f").match("/".join(segments))
    assert values == {f"p{number}": segment for number, segment in enumerate(segments)}
