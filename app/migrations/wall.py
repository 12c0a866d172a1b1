"""The policy between shops, for the migration that raises it and for every later one that adds a table."""

from alembic import op

_SHOP = "nullif(current_setting('app.shop_id', true), '')::bigint"


def protect(table: str, column: str = "shop_id", privileges: str = "select, insert, update, delete") -> None:
    """Let the role `perennial_web` see only the rows of the shop that its transaction names."""
    op.execute(f"alter table {table} enable row level security")
    op.execute(f"create policy of_one_shop on {table} to perennial_web using ({column} = {_SHOP})")
    op.execute(f"grant {privileges} on {table} to perennial_web")
