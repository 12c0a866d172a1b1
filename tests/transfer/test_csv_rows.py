"""What a CSV file may look like, and what is said, line by line, of one that cannot be read."""

import io
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from app.transfer.csv_rows import FileRow, read_rows
from app.transfer.errors import FileRefused, RowError

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
BERLIN = ZoneInfo("Europe/Berlin")


def read(content: str | bytes, **named: str) -> list[FileRow]:
    raw = content.encode() if isinstance(content, str) else content
    return list(read_rows(io.BytesIO(raw), zone=BERLIN, now=NOW, named=named))


def errors(content: str | bytes) -> list[tuple[int, str, str]]:
    return [(error.line, error.column, error.problem) for row in read(content) for error in row.errors]


def refused(content: str | bytes, **named: str) -> RowError:
    with pytest.raises(FileRefused) as raised:
        read(content, **named)
    return raised.value.errors[0]


@pytest.mark.parametrize(
    "content",
    [
        "email,points\nAda@Example.com,120\n",
        "\ufeffemail,points\r\nada@example.com,120\r\n",
        "E-Mail;Points balance\nada@example.com;120",
        'Email\tPoints\n"ada@example.com"\t"120"\n\n',
        "First name,Email,Points Balance,Tier\nAda,ada@example.com,120.00,Gold\n",
        " points , email \n 120 , ada@example.com \n",
    ],
)
def test_the_same_row_in_the_dialects_of_spreadsheets_and_other_programs(content: str) -> None:
    [row] = read(content)
    assert (row.line, row.email, row.points, row.lifetime, row.earned_at) == (2, "ada@example.com", 120, 120, NOW)


@pytest.mark.parametrize(
    ("cell", "points"),
    [("0", 0), ("7", 7), ("1 250", 1250), ("1\u00a0250\u202f000", 1_250_000), ("12'500", 12_500), ("300.0", 300),
     ("300,00", 300), ("1000000000", 10**9)],
)  # fmt: skip
def test_numbers_as_people_write_them(cell: str, points: int) -> None:
    assert read(f'email;points\na@b.c;"{cell}"\n')[0].points == points


@pytest.mark.parametrize(
    ("cell", "problem"),
    [
        ("-5", "The number is negative."),
        ("(5)", "The number is negative."),
        ("1,250", "1,250 could be thousands or decimals."),
        ("1.250", "1.250 could be thousands or decimals."),
        ("12.5", "'12.5' is not a whole number."),
        ("1e9", "'1e9' is not a whole number."),
        ("٣", "'٣' is not a whole number."),
        ("=2+3", "'=2+3' is not a whole number."),
        ("1000000001", "1000000001 is more than 1000000000 points."),
        ("9" * 5000, f"'{'9' * 40}' is not a whole number."),
        ("", "There is no number of points."),
    ],
)
def test_numbers_that_are_refused(cell: str, problem: str) -> None:
    assert errors(f'email;points\na@b.c;"{cell}"\n') == [(2, "points", problem)]


def test_dates_are_days_of_the_shop_or_instants() -> None:
    row = read("customer_id,points,earned_at,expires_at\n7,5,2026-01-31,2027-01-31\n")[0]
    assert row.customer_id == 7
    assert row.earned_at == datetime(2026, 1, 30, 23, tzinfo=UTC)
    assert row.expires_at == datetime(2027, 1, 31, 23, tzinfo=UTC)
    row = read("customer_id,points,earned_at,expires_at\n7,5,2026-01-31 12:00:00 UTC,2027-07-01T10:00:00\n")[0]
    assert row.earned_at == datetime(2026, 1, 31, 12, tzinfo=UTC)
    assert row.expires_at == datetime(2027, 7, 1, 8, tzinfo=UTC)


@pytest.mark.parametrize("cell", ["7", "gid://shopify/Customer/7", "'7"])
def test_customer_ids_as_shopify_and_spreadsheets_write_them(cell: str) -> None:
    assert read(f"Customer ID,Points\n{cell},1\n")[0].customer_id == 7


def test_all_errors_of_a_file_are_told_with_line_and_column() -> None:
    content = (
        'email,points,earned_at,expires_at,lifetime,note\n'
        'ada@example.com,10,,,,"two\nlines, and a comma"\n'
        'ada,ten,tomorrow,0000-00-00,,\n'
        ',5,,,,\n'
        'bob@example.com,5,2027-01-01,2026-11-01,,\n'
        'eve@example.com,5,,,4,\n'
        'eve@example.com,5,2026-03-02,2026-03-01T00:00:00,,\n'
        'eve@example.com,5,,,,,,x\n'
    )  # fmt: skip
    assert errors(content) == [
        (4, "email", "'ada' is not an e-mail address."),
        (4, "points", "'ten' is not a whole number."),
        (4, "earned_at", "'tomorrow' is not a date."),
        (4, "expires_at", "'0000-00-00' is not a date."),
        (5, "", "Nothing says whose points they are."),
        (6, "earned_at", "2027-01-01 is in the future."),
        (6, "expires_at", "2026-11-01 is over."),
        (7, "lifetime", "Fewer points in a lifetime than are left of them."),
        (8, "expires_at", "2026-03-01T00:00:00 is over."),
        (9, "", "The row has 8 cells and the header 6."),
    ]


@pytest.mark.parametrize(
    ("content", "line", "problem"),
    [
        ("", 1, "There is no such column for points."),
        ("email,name\n", 1, "There is no such column for points."),
        ("points,name\n1,Ada\n", 1, "No column says whose points they are."),
        ("email,points,balance\n", 1, "Both 'points' and 'balance' could mean points."),
        (b"email,points\na@b.c,1\n\xe4@b.c,1\n", 3, "This is not UTF-8 text."),
        ("email,points\n".encode("utf-16"), 1, "This is not UTF-8 text."),
        ('email,points\na@b.c,1\n"b@b.c,1\nc@b.c,1\n', 3, "The row cannot be read (unexpected end of data)."),
        ("email,points\n" + "x" * 2_000_000, 2, "The line is longer than any row of points."),
    ],
)
def test_files_that_make_no_sense(content: str | bytes, line: int, problem: str) -> None:
    error = refused(content)
    assert (error.line, error.problem) == (line, problem)


def test_a_column_of_another_name_can_be_named() -> None:
    assert read("Kunde;Guthaben\na@b.c;5\n", email="Kunde", points="guthaben")[0].points == 5
    assert refused("Kunde;Guthaben\na@b.c;5\n", email="Kunde", points="Punkte").column == "Punkte"


@pytest.mark.parametrize(
    "cell",
    ["0001-01-01", "9999-12-31", "9999-12-31T23:59:59-23:59", "0001-01-01T00:00:00+23:59", "2026-02-30", "1/2/26"],
)
def test_the_ends_of_the_calendar_are_no_accident(cell: str) -> None:
    [(line, column, _)] = errors(f"email,points,expires_at\na@b.c,1,{cell}\n")
    assert (line, column) == (2, "expires_at")


def test_formulas_are_text() -> None:
    row = read('email,points,note\na@b.c,1,"=HYPERLINK(""http://x"")"\n')[0]
    assert row.note == '=HYPERLINK("http://x")'
