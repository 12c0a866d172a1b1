"""Every table can be split by shop: its primary key starts with shop_id."""

from app.migrations.metadata import metadata

# The shop itself; our processes; the locks of the inbox loop, whose partitions hold many shops each; up to which entry
# of all shops everything is committed.
WITHOUT_A_SHOP = {"shops", "processes", "inbox_partitions", "seal_marks"}


def test_primary_keys_start_with_the_shop() -> None:
    first = {table.name: next(iter(table.primary_key.columns)).name for table in metadata.sorted_tables}
    assert {name for name, column in first.items() if column != "shop_id"} - WITHOUT_A_SHOP == set()


def test_tables_without_a_shop_hold_nothing_of_one() -> None:
    """An exception above must stay one: a table that gains a shop_id has to begin its key with it."""
    tables = [table for table in metadata.sorted_tables if table.name in WITHOUT_A_SHOP]
    assert [table.name for table in tables if "shop_id" in table.columns] == []
