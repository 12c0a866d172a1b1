"""Which files can be replayed, and what is said of those that cannot."""

from pathlib import Path

import pytest

from dev_store.history import direct
from dev_store.history.replay import UnreadableFileError, read
from dev_store.history.replay.invoices import product_of

INVOICES = """InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country
1,A,"Heart, ""red""
large",2,12/1/2010 8:26,4.25,17850.0,United Kingdom
1,POST,Postage,1,12/1/2010 8:26,18,17850.0,United Kingdom
C2,A,Heart,-1,2010-12-02 10:00:00,4.25,17850.0,United Kingdom
3,A,Café,1,12/3/2010 8:26,4.25,,France
"""


def test_invoice_lines_as_csv_with_quoted_newlines(tmp_path: Path) -> None:
    file = tmp_path / "lines.csv"
    file.write_bytes(INVOICES.replace("2010-12-02 10:00:00", "12/2/2010 10:00").encode("latin-1"))
    history = read(file)
    assert [step.verb for step in history.steps] == ["create_customer", "place_order", "refund"]
    placed = history.steps[1].args
    line = {"title": 'Heart, "red"\nlarge', "sku": "A", "product_id": product_of("A"), "quantity": 2, "price": "4.25"}
    assert placed["lines"] == [line]
    assert (placed["shipping"], history.currency) == ("18.00", "GBP")
    assert direct.can_read(file)
    assert direct.points(file) == {17850: 4}


def test_parquet_is_read_like_csv_and_the_direct_computation_agrees(tmp_path: Path) -> None:
    from pyarrow import csv, parquet, timestamp

    source, file = tmp_path / "lines.csv", tmp_path / "lines.parquet"
    source.write_text(INVOICES.replace("12/1/2010 8:26", "2010-12-01 08:26:00").replace("12/3/2010 8:26", "2010-12-03"))
    text = csv.ConvertOptions(column_types={"InvoiceNo": "string", "InvoiceDate": timestamp("us")})
    parquet.write_table(
        csv.read_csv(source, parse_options=csv.ParseOptions(newlines_in_values=True), convert_options=text), file
    )
    assert [step.verb for step in read(file).steps] == ["create_customer", "place_order", "refund"]
    assert direct.points(file) == {17850: 4}


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("a,b\n1,2\n", "neither a list of invoice lines"),
        (INVOICES.replace("4.25,17850", "4.2.5,17850"), "Row 2: UnitPrice is '4.2.5'"),
        (INVOICES.replace("-1,2010", "half,2010"), "Row 4: Quantity is 'half'"),
        (INVOICES.replace("12/1/2010 8:26", "yesterday"), "InvoiceDate is 'yesterday'"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_with_the_place(tmp_path: Path, text: str, complaint: str) -> None:
    file = tmp_path / "lines.csv"
    file.write_text(text)
    with pytest.raises(UnreadableFileError, match=complaint.replace("(", r"\(")):
        read(file)


def test_a_missing_file_and_a_parquet_that_is_none_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFileError, match="no file"):
        read(tmp_path / "nothing.csv")
    broken = tmp_path / "broken.parquet"
    broken.write_text("not parquet")
    with pytest.raises(UnreadableFileError, match="no parquet file"):
        read(broken)
