"""What the commands of this package share: naming a shop and a file, and who sits at the command line."""

from __future__ import annotations

import getpass
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from app.shops.models import Shop

# Errors that are printed; all of them go into a file where one is asked for.
SHOWN = 20
shop_option = click.option("--shop", "domain", required=True, help="The shop's myshopify.com domain.")
file_argument = click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))


def actor() -> str:
    """Who sits at the command line."""
    return f"command line: {getpass.getuser()}"


def shop_of(session: Session, domain: str) -> Shop:
    """The shop of a domain; ends the command where there is none."""
    from app.shops.queries import shop_by_domain

    found = shop_by_domain(session, domain.lower())
    if found is None:
        raise click.ClickException(f"No shop {domain} has installed this app. Give its myshopify.com domain.")
    return found
