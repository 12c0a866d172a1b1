"""The queries inside bulk operations, which no tool of Shopify's checks: valid, allowed in bulk, within our scopes."""

import re
from pathlib import Path

import pytest
import responses
from graphql import FieldNode, OperationDefinitionNode, StringValueNode, parse, specified_rules, validate
from graphql.validation import NoDeprecatedCustomRule

from app.config import Settings
from app.shopify import bulk
from app.shopify.errors import Rejected, Unavailable
from app.shopify.operations import FOLDER
from dev_store.bulk.rules import refusals
from tests.shopify.test_operations import asked_for, places, schema, scopes_by_place

FILES = sorted((FOLDER / "bulk").glob("*.graphql"))
FILE = "https://storage.example/lines.jsonl"


def forms(path: Path) -> list[str]:
    """What is really sent: with and without fields of protected data."""
    return [bulk.query(path.stem, "mark", searching="updated_at:>='2026-01-01'", bare=bare) for bare in (False, True)]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_the_published_schema_accepts_a_bulk_query_without_deprecations(path: Path) -> None:
    for text in forms(path):
        assert validate(schema(), parse(text), [*specified_rules, NoDeprecatedCustomRule]) == []


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_bulk_query_keeps_the_rules_of_bulk_operations(path: Path) -> None:
    for text in forms(path):
        assert refusals(parse(text)) == []
        assert "$" not in text
        assert len(text) < 60_000


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_the_scopes_that_are_asked_for_open_a_bulk_query(path: Path) -> None:
    needed = {
        place: scopes for place in places(parse(forms(path)[0])) if (scopes := scopes_by_place().get(place, set()))
    }
    assert {place: scopes for place, scopes in needed.items() if not scopes & asked_for()} == {}


def test_a_bare_query_asks_for_nothing_that_names_a_person() -> None:
    assert not re.search(r"email|phone|Name|Address", bulk.query("customers", "mark", bare=True).split("{", 1)[1])
    assert not re.search(r"\b(email|phone)\b", bulk.query("orders", "mark", bare=True))


def test_a_filter_stands_in_the_query_as_a_string_whatever_it_holds() -> None:
    text = bulk.query("orders", "mark", searching='tag:"a \\ b"')
    [document] = parse(text).definitions
    assert isinstance(document, OperationDefinitionNode)
    [field] = document.selection_set.selections
    assert isinstance(field, FieldNode)
    [argument] = field.arguments or ()
    assert isinstance(argument.value, StringValueNode)
    assert argument.value.value == 'tag:"a \\ b"'
    assert text.startswith("# mark\n")


def test_a_download_sends_no_token_and_goes_on_where_it_was(settings: Settings, wire: responses.RequestsMock) -> None:
    wire.get(FILE, body=b"ef\n", status=206)
    assert b"".join(bulk.download(settings, FILE, 4)) == b"ef\n"
    sent = wire.calls[0].request.headers
    assert (sent["Range"], sent["Accept-Encoding"]) == ("bytes=4-", "identity")
    assert "X-Shopify-Access-Token" not in sent


def test_a_server_that_knows_no_ranges_is_read_from_its_start(settings: Settings, wire: responses.RequestsMock) -> None:
    wire.get(FILE, body=b"abcdef\n", status=200)
    assert b"".join(bulk.download(settings, FILE, 4)) == b"ef\n"


def test_a_download_at_its_end_brings_nothing(settings: Settings, wire: responses.RequestsMock) -> None:
    wire.get(FILE, status=416)
    assert list(bulk.download(settings, FILE, 7)) == []


@pytest.mark.parametrize(("status", "error"), [(403, bulk.Expired), (404, bulk.Expired), (503, Unavailable)])
def test_a_file_that_is_gone_is_told_from_one_that_is_not_given_now(
    settings: Settings, wire: responses.RequestsMock, status: int, error: type[Exception]
) -> None:
    wire.get(FILE, status=status)
    with pytest.raises(error):
        list(bulk.download(settings, FILE, 0))


def test_no_file_is_fetched_without_encryption_from_shopify_itself(settings: Settings) -> None:
    with pytest.raises(Rejected):
        list(bulk.download(settings, "http://storage.example/lines.jsonl", 0))
