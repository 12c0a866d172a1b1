"""Whose points a row of a file is about, for many rows at once: the same answer as `app.customers.accounts` gives.

A customer's id leads to that customer; an address to the living customer who has verified it, else to whoever the
address itself belongs to. Whoever is unknown has no account yet (`account_id` null) and gets one under `kind`, `value`.
"""

# A common table expression `owners` over the rows of an import with `after` < row <= `until` (null: all).
OWNERS = """
named as (
    select r.*,
           case when r.customer_id is not null or v.id is not null then 'customer' else 'email' end as kind,
           coalesce(r.customer_id::text, v.id::text, r.email) as value
    from balance_import_rows r left join lateral (
        select c.id from customers c
        where c.shop_id = r.shop_id and c.email = r.email and r.customer_id is null
            and c.verified_email and c.deleted_at is null and c.merged_into is null
        order by c.updated_at desc, c.id limit 1
    ) v on true
    where r.shop_id = :shop_id and r.import_id = :import_id and r.row > :after
        and (cast(:until as bigint) is null or r.row <= :until)
), owners as (
    select n.row, n.kind, n.value, n.points, n.lifetime, n.earned_at, n.expires_at, n.note,
           coalesce(a.merged_into, a.id) as account_id
    from named n
    left join lateral (
        select i.account_id from identities i
        where i.shop_id = n.shop_id and i.kind = n.kind and i.value = n.value limit 1
    ) i on true
    left join lateral (
        select a.id, a.merged_into from accounts a where a.shop_id = n.shop_id and a.id = i.account_id limit 1
    ) a on true
)
"""
