"""Popups name pages as Shopify does: its themes call the home page `index`."""

from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """A shop has a handful of popups."""
    op.execute("""
        update popups set definition = jsonb_set(definition, '{target,pages}', (
            select jsonb_agg(distinct case word when 'home' then 'index' else word end)
            from jsonb_array_elements_text(definition #> '{target,pages}') as page(word)))
        where definition #> '{target,pages}' ? 'home'
    """)
    op.execute("""
        update storefronts s set mark = s.mark + 1, due_at = now() from popups p
        where p.shop_id = s.shop_id and p.definition #> '{target,pages}' ? 'index'
    """)
