"""The query language: what is read, how it is printed again, and what is told of what cannot be read."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from app.segments.catalogue import ATTRIBUTES
from app.segments.checking import read
from app.segments.parser import DEEPEST, LONGEST, parse
from app.segments.syntax import Group, Node, Not, QueryError, clauses
from tests.segments.drawing import queries


def told(query: str) -> list[str]:
    """What is wrong with a query, as Shopify would say it."""
    with pytest.raises(QueryError) as refused:
        read(query)
    return [str(fault) for fault in refused.value.faults]


@pytest.mark.requirement(10, partly=True)
def test_faults_are_worded_and_placed_as_in_the_recordings() -> None:
    """Messages and columns that Shopify gave (2025-01, recorded 2026-04 to 2026-07)."""
    assert told("not a valid segment query ???") == [
        "Line 1 Column 6: 'valid' is unexpected.",
        "Line 1 Column 4: 'a' filter cannot be found.",
    ]
    assert told("not another valid segment query ???") == [
        "Line 1 Column 12: 'valid' is unexpected.",
        "Line 1 Column 4: 'another' filter cannot be found.",
    ]
    assert told("email = 'ada@example.com'") == ["Line 1 Column 0: 'email' filter cannot be found."]
    assert told("customer_tags = 'vip'") == ["Line 1 Column 14: customer_tags does not support operator '='"]


@pytest.mark.parametrize(
    "query",
    [
        "customer_countries CONTAINS 'CA'",
        "customer_tags CONTAINS 'baseline-capture'",
        "amount_spent > 100.50",
        "number_of_orders >= 1 AND customer_countries CONTAINS 'CA'",
        "last_order_date >= -30d",
        "email_subscription_status = 'SUBSCRIBED'",
    ],
)
def test_queries_that_shopify_took_are_taken_and_printed_as_they_were(query: str) -> None:
    assert str(read(query)) == query


def test_brackets_that_say_nothing_go() -> None:
    assert (
        str(read("(number_of_orders >= 1) OR (number_of_orders = 0)"))
        == "number_of_orders >= 1 OR number_of_orders = 0"
    )
    assert str(read("((number_of_orders = 1))")) == "number_of_orders = 1"


def test_and_binds_closer_than_or_and_not_closer_than_both() -> None:
    node = read("NOT loyalty_member = true OR number_of_orders = 1 AND loyalty_points > 5")
    assert isinstance(node, Group)
    assert (node.word, [type(part) for part in node.parts]) == ("OR", [Not, Group])
    kept = "(number_of_orders = 1 OR number_of_orders = 2) AND NOT (loyalty_points > 5 AND loyalty_member = true)"
    assert str(read(kept)) == kept


def test_words_are_read_in_any_case_and_over_lines() -> None:
    node = read("number_of_orders is not null\n  And customer_countries not contains 'FI'\n")
    assert str(node) == "number_of_orders IS NOT NULL AND customer_countries NOT CONTAINS 'FI'"
    assert [clause.attribute.place for clause in clauses(node)] == [(1, 0), (2, 6)]


@pytest.mark.parametrize(
    ("written", "printed"),
    [
        ("90_days_ago", "-90d"),
        ("1_year_ago", "-1y"),
        ("2_weeks_ago", "-2w"),
        ("+3m", "+3m"),
        ("today", "today"),
        ("-0y", "today"),
        ("2026-01-31", "2026-01-31"),
    ],
)
def test_days_may_be_absolute_or_counted_from_today(written: str, printed: str) -> None:
    assert str(read(f"last_order_date = {written}")) == f"last_order_date = {printed}"


@pytest.mark.parametrize(
    ("query", "faults"),
    [
        ("", ["Line 1 Column 0: the query is empty."]),
        ("number_of_orders", ["Line 1 Column 16: the end of the query is unexpected."]),
        ("number_of_orders >= 1 AND", ["Line 1 Column 25: the end of the query is unexpected."]),
        ("number_of_orders = 1\n  OR points = 2", ["Line 2 Column 5: 'points' filter cannot be found."]),
        ("number_of_orders = 1.5", ["Line 1 Column 19: 1.5 is not a whole number, as number_of_orders is."]),
        ("number_of_orders = 30x", ["Line 1 Column 19: '30x' is unexpected."]),
        ("number_of_orders = '1'", ["Line 1 Column 19: '1' is not a value of number_of_orders."]),
        ("number_of_orders CONTAINS 1", ["Line 1 Column 17: number_of_orders does not support operator 'CONTAINS'"]),
        ("last_order_date > 5", ["Line 1 Column 18: 5 is not a value of last_order_date."]),
        ("last_order_date = 2026-02-30", ["Line 1 Column 18: '2026-02-30' is not a date."]),
        ("last_order_date = 0001-01-01", ["Line 1 Column 18: 0001-01-01 is out of range."]),
        ("last_order_date > -99999999d", ["Line 1 Column 18: -99999999d is out of range."]),
        ("amount_spent > 9999999999999999999", ["Line 1 Column 15: 9999999999999999999 is out of range."]),
        ("orders_placed(count: 1) = true", ["Line 1 Column 13: '(' is unexpected.",
                                             "Line 1 Column 0: 'orders_placed' filter cannot be found."]),
        ("companies IS NULL", ["Line 1 Column 0: 'companies' filter cannot be found."]),
        ("(number_of_orders = 1", ["Line 1 Column 21: the end of the query is unexpected."]),
        ("number_of_orders = 1)", ["Line 1 Column 20: ')' is unexpected."]),
        ("customer_countries CONTAINS 'FI", ["Line 1 Column 28: ''' is unexpected."]),
        # Shopify's reference of filters has neither.
        ("number_of_orders IN (1, 2)", ["Line 1 Column 17: 'IN' is unexpected."]),
        ("number_of_orders NOT BETWEEN 1 AND 2", ["Line 1 Column 21: 'BETWEEN' is unexpected."]),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_with_its_place(query: str, faults: list[str]) -> None:
    assert told(query) == faults


def test_a_word_that_no_list_knows_is_told_with_the_list() -> None:
    [fault] = told("customer_account_status = 'BANNED'")
    assert fault.endswith("'BANNED' is not a value of customer_account_status: ENABLED, DISABLED, INVITED, DECLINED.")


def test_nothing_is_too_long_or_too_deep_for_an_answer() -> None:
    assert told("x" * (LONGEST + 1)) == [
        f"Line 1 Column {LONGEST}: the query is too long (maximum is {LONGEST} characters)."
    ]
    for opening in ("(", "NOT "):
        assert told(opening * (LONGEST // 5))[0].endswith("is nested too deeply.")
    deep = "(" * (DEEPEST - 1) + "number_of_orders = 1" + ")" * (DEEPEST - 1)
    assert str(read(deep)) == "number_of_orders = 1"
    many = " AND ".join(["number_of_orders = 1"] * 200)
    assert len(clauses(read(many))) == 200


@settings(max_examples=100, deadline=None, derandomize=True)
@given(queries)
def test_what_is_printed_reads_as_what_it_was(node: Node) -> None:
    assert read(str(node)) == node
    assert str(read(str(node))) == str(node)


@settings(max_examples=150, deadline=None, derandomize=True)
@given(st.lists(st.sampled_from([*ATTRIBUTES, *"()='<>!,-+?0", " ", "\n", "AND", "OR", "NOT", "IS", "NULL", "BETWEEN",
                                 "CONTAINS", "today", "-30d", "2026-01-31", "'FI'", "1.5", "9" * 5000, "\x00", "İ"]),
                max_size=12).map(" ".join) | st.text(max_size=40))  # fmt: skip
@example("number_of_orders = -" + "9" * 4_990)
@example("last_order_date > -" + "9" * 4_900 + "d")
def test_any_text_is_read_or_refused_with_a_place_inside_it(query: str) -> None:
    try:
        parse(query)
        read(query)
    except QueryError as error:
        for fault in error.faults:
            assert 1 <= fault.line <= query.count("\n") + 1
            assert 0 <= fault.column <= len(query)
            assert fault.message
