"""A shop's file comes into another installation and leaves it as the same bytes; nothing in it is believed."""

import gzip
import os
from collections.abc import Callable
from pathlib import Path

import orjson
import pytest
from sqlalchemy import text

from app.errors import Conflict
from app.runtime import Runtime
from app.shops.models import Shop
from app.transfer import files
from app.transfer.errors import FileRefused
from app.transfer.export import lines
from app.transfer.take_in import TakenIn, take_in
from tests.factories import make_shop
from tests.soak_page import write_section
from tests.transfer.lives import Life
from tests.transfer.tables import assert_green, everything

EVENTS = 25
SOAK_SHOPS = 400
# A life in which everything happened.
SEED_WITH_ALL = 0


def export(runtime: Runtime, shop: Shop, *, notes: bool = True) -> list[bytes]:
    with runtime.database.system() as session:
        return list(lines(session, shop.id, notes=notes))


def bring(runtime: Runtime, shop: Shop, content: list[bytes]) -> TakenIn:
    with runtime.database.system() as session:
        return take_in(session, shop, content)


def lived(runtime: Runtime, shop: Shop, seed: int) -> list[bytes]:
    """The file of a shop that has lived."""
    Life(runtime, shop, seed).run(EVENTS)
    return export(runtime, shop)


def check_round_trip(runtime: Runtime, seed: int) -> int:
    here = make_shop(runtime, f"here-{seed}.myshopify.com")
    there = make_shop(runtime, f"there-{seed}.myshopify.com")
    first = lived(runtime, here, seed)
    taken = bring(runtime, there, first)
    assert export(runtime, there) == first
    assert taken.entries == sum(b'"part": "entry"' in line for line in first)
    return len(first)


# Of 103 the database joins merges in another order than that of the file.
@pytest.mark.parametrize("seed", [*range(5), 103])
def test_what_was_exported_imported_and_exported_is_the_same_to_the_byte(runtime: Runtime, seed: int) -> None:
    assert check_round_trip(runtime, seed) > 50
    assert_green(runtime)


@pytest.mark.soak
def test_hundreds_of_shops_make_the_round_trip(runtime: Runtime) -> None:
    written = sum(check_round_trip(runtime, seed) for seed in range(100, 100 + SOAK_SHOPS))
    assert_green(runtime)
    title = "A shop moves to another installation"
    write_section(title, f"{SOAK_SHOPS} generated shops, {written} lines: export, import, export gives the same bytes.")


def test_an_empty_shop_travels_too(runtime: Runtime, shop: Shop) -> None:
    other = make_shop(runtime, "other.myshopify.com")
    first = export(runtime, shop)
    assert bring(runtime, other, first) == (0, 0, 0, 0)
    assert export(runtime, other) == first


def test_life_goes_on_where_the_file_came_in(runtime: Runtime, shop: Shop) -> None:
    """The same things happen to both shops afterwards, and they stay equal to the byte."""
    first = lived(runtime, shop, 3)
    other = make_shop(runtime, "other.myshopify.com")
    bring(runtime, other, first)
    for place in (shop, other):
        life = Life(runtime, place, 11)
        life.orders = {}
        for step in (life._order, life._refund, life._order):
            step()
    here, there = export(runtime, shop), export(runtime, other)
    assert [line for line in here if b'"part": "lot"' in line] == [line for line in there if b'"part": "lot"' in line]
    assert_green(runtime)


def test_personal_data_is_named_and_notes_travel_only_when_asked_for(runtime: Runtime, shop: Shop) -> None:
    lived(runtime, shop, 1)
    without, with_notes = export(runtime, shop, notes=False), export(runtime, shop)
    assert any(b"by hand" in line for line in with_notes)
    assert not any(b"by hand" in line for line in without)
    header = orjson.loads(with_notes[0])
    assert header["format"] == "perennial 1"
    assert len(header["personal_data"]) == 1 + len(orjson.loads(without[0])["personal_data"])


def test_a_shop_with_points_is_refused_and_stays_as_it_was(runtime: Runtime, shop: Shop) -> None:
    first = lived(runtime, shop, 2)
    before = everything(runtime, shop.id, without=set())
    with pytest.raises(Conflict, match="without points"):
        bring(runtime, shop, first)
    assert everything(runtime, shop.id, without=set()) == before


def test_news_that_the_file_does_not_know_are_not_lost(runtime: Runtime, shop: Shop) -> None:
    first = lived(runtime, shop, 2)
    other = make_shop(runtime, "other.myshopify.com")
    with runtime.database.system() as session:
        session.execute(
            text("insert into customers (shop_id, id, updated_at) values (:s, 99, '2026-01-01Z')"), {"s": other.id}
        )
    with pytest.raises(Conflict, match="newer than the file"):
        bring(runtime, other, first)


Change = Callable[[dict[str, object]], None]


def _more(name: str) -> Change:
    def change(line: dict[str, object]) -> None:
        line[name] = int(str(line[name])) + 1

    return change


@pytest.mark.parametrize(
    ("part", "change"),
    [
        ("entry", _more("points")),
        ("balance", _more("points")),
        ("balance", _more("lifetime")),
        ("lot", _more("remaining")),
        ("lot", _more("granted")),
        ("use", _more("points")),
        ("redemption", _more("points")),
        ("order", lambda line: line.update(current_subtotal_minor=999_00, subtotal_minor=999_00)),
        ("rule_version", lambda line: line.update(rules={"earning": [{"kind": "per_order", "points": 7}]})),
    ],
)
def test_a_figure_that_does_not_follow_is_found_and_nothing_is_written(
    runtime: Runtime, shop: Shop, part: str, change: Change
) -> None:
    content = lived(runtime, shop, SEED_WITH_ALL)
    other = make_shop(runtime, "other.myshopify.com")
    before = everything(runtime, other.id, without=set())
    told = [orjson.loads(line) for line in content]
    for line in told if part in {"order", "rule_version"} else [next(line for line in told if line["part"] == part)]:
        if line["part"] == part:
            change(line)
    content = [orjson.dumps(line) + b"\n" for line in told]
    with pytest.raises(FileRefused) as refused:
        bring(runtime, other, content)
    assert refused.value.kind == "not-proved"
    assert refused.value.errors[0].column != ""
    assert everything(runtime, other.id, without=set()) == before


@pytest.mark.parametrize(
    ("break_it", "words"),
    [
        (lambda content: content[:-1], "cut off"),
        (lambda content: [*content[:3], *content[4:]], "cut off"),
        (lambda content: content[1:], "does not belong here"),
        (lambda content: [content[0], content[-2], *content[1:]], "does not belong here"),
        (lambda content: [content[0], b"[1]\n", *content[1:]], "no line of an export"),
        (lambda content: [content[0], b'{"part":"order","id":1e400}\n', *content[1:]], "no line of an export"),
        (lambda content: [content[0].replace(b"perennial 1", b"perennial 9"), *content[1:]], "this version reads"),
        (lambda content: [content[0].replace(b"USD", b"EUR"), *content[1:]], "currency is EUR"),
        (lambda content: [], "cut off"),
    ],
)
def test_what_is_no_file_of_ours_is_refused_with_its_line(
    runtime: Runtime, shop: Shop, break_it: Callable[[list[bytes]], list[bytes]], words: str
) -> None:
    content = export(runtime, shop)
    other = make_shop(runtime, "other.myshopify.com")
    with pytest.raises(FileRefused, match=words):
        bring(runtime, other, break_it(content))


def test_files_are_private_whole_and_zipped_where_their_name_says_so(tmp_path: Path) -> None:
    plain, zipped, again = (tmp_path / name for name in ("a.jsonl", "a.jsonl.gz", "b.jsonl.gz"))
    for target in (plain, zipped, again):
        files.write(target, [b"one\n", b"two\n"])
        assert list(files.read(target)) == [b"one\n", b"two\n"]
        assert os.stat(target).st_mode & 0o777 == 0o600
    assert gzip.decompress(zipped.read_bytes()) == plain.read_bytes()
    assert zipped.read_bytes() == again.read_bytes()
    with pytest.raises(FileExistsError):
        files.write(plain, [])

    def failing() -> object:
        yield b"one\n"
        raise InterruptedError

    with pytest.raises(InterruptedError):
        files.write(tmp_path / "c.jsonl", failing())  # type: ignore[arg-type]  # a generator of bytes that fails
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.jsonl", "a.jsonl.gz", "b.jsonl.gz"]
    zipped.write_bytes(zipped.read_bytes()[:-9])
    with pytest.raises(FileRefused, match="cut off"):
        list(files.read(zipped))
