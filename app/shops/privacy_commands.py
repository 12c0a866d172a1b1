"""`perennial privacy …`: what people asked by law, and the file a merchant hands out. Attached by `app.cli`."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import orjson

if TYPE_CHECKING:
    from app.runtime import Runtime

_shop = click.option("--shop", "domain", required=True, help="The shop's myshopify.com domain.")


def attach(program: click.Group, runtime: Callable[[], Runtime]) -> None:
    """Add the commands; `runtime` makes what they work with."""

    @program.group()
    def privacy() -> None:
        """Requests to see or to erase what is held of a person."""

    @privacy.command()
    @_shop
    def requests(*, domain: str) -> None:
        """List the requests of a shop, newest first, with what came of them."""
        for line in listed(runtime(), domain):
            click.echo(line)

    @privacy.command()
    @_shop
    @click.option("--request", "request_id", type=int, help="Answer this request of the list.")
    @click.option("--customer", type=int, help="Shopify's id of the customer.")
    @click.option("--email", help="The address of a guest, who has no id.")
    @click.argument("file", type=click.Path(path_type=Path))
    def export(*, domain: str, request_id: int | None, customer: int | None, email: str | None, file: Path) -> None:
        """Write all that is held of a person into FILE, for the merchant to hand out."""
        counts = handed_out(runtime(), domain, request_id, customer, email, file)
        click.echo(", ".join(f"{name}: {count}" for name, count in counts.items()) or "Nothing is held of this person.")


def listed(runtime: Runtime, domain: str) -> list[str]:
    """A line a request. Opens a session."""
    from app.shops import privacy

    with runtime.database.system() as session:
        found = privacy.requests(session, _shop_id(session, domain))
    return [
        f"{one.id:>6}  {one.received_at:%Y-%m-%d}  {one.kind:<16}  customer {one.customer_id or '–'}  "
        f"{f'done {one.done_at:%Y-%m-%d}' if one.done_at else 'open'}  {one.receipt or ''}"
        for one in found
    ]


def handed_out(
    runtime: Runtime, domain: str, request_id: int | None, customer: int | None, email: str | None, file: Path
) -> dict[str, int]:
    """Write the file (mode 0600, never over another) and note that the request was answered. Opens a session."""
    from app.shops import privacy
    from app.shops.personal_data import export_customer

    with runtime.database.system() as session:
        shop_id = _shop_id(session, domain)
        if request_id is not None:
            asked = next((one for one in privacy.requests(session, shop_id) if one.id == request_id), None)
            if asked is None or asked.kind != "data_request":
                raise click.ClickException(f"There is no request {request_id} to see data in this shop.")
            customer = customer or asked.customer_id
        if not customer and not email:
            raise click.ClickException("Name the person: --customer ID, or --email ADDRESS for a guest.")
        document = export_customer(session, shop_id, customer, email.strip().lower() if email else None)
        _write(file, document)
        if request_id is not None:
            privacy.answered(session, shop_id, request_id, document)
    return {name: len(rows) for name, rows in document.items() if rows}


def _write(file: Path, document: dict[str, Any]) -> None:
    try:
        with os.fdopen(os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as target:
            target.write(orjson.dumps(document, option=orjson.OPT_INDENT_2, default=str))
    except OSError as error:
        raise click.ClickException(f"{file} cannot be written ({error.strerror}).") from error


def _shop_id(session: Any, domain: str) -> int:
    from app.shops.queries import shop_by_domain

    shop = shop_by_domain(session, domain.lower())
    if shop is None:
        raise click.ClickException(f"No shop {domain} has installed this app.")
    return shop.id
