"""`perennial inbox …`: what a person does about parked webhooks. Attached to the program by `app.cli`."""

from __future__ import annotations

import getpass
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from app.runtime import Runtime

_shop = click.option("--shop", "domain", required=True, help="The shop's myshopify.com domain.")
_by = click.option("--by", "actor", default=getpass.getuser, help="Who does it; your user name by default.")


def attach(program: click.Group, runtime: Callable[[], Runtime]) -> None:
    """Add the commands to the program; `runtime` makes what they work with."""
    program.add_command(inbox)
    program.context_settings.setdefault("obj", runtime)


@click.group()
def inbox() -> None:
    """Webhooks that were received."""


@inbox.command()
@_shop
@_by
@click.option("--event", "events", multiple=True, type=int, help="An event's id; all parked ones without it.")
@click.option("--topic", help="Only events of this topic.")
@click.option("--reason", help="Only events that were parked for this reason.")
@click.option("--since", type=click.DateTime(), help="Only events received since then (UTC).")
@click.pass_obj
def replay(
    runtime: Callable[[], Runtime],
    *,
    domain: str,
    actor: str,
    events: tuple[int, ...],
    topic: str | None,
    reason: str | None,
    since: datetime | None,
) -> None:
    """Put parked webhooks back to work: all, or those that fit everything that is given."""
    from webhooks.replay import Which, replay_many

    which = Which(events or None, topic, reason, since and since.replace(tzinfo=UTC))
    with runtime().database.system() as session:
        replayed = replay_many(session, _shop_id(session, domain), which, actor=f"command line: {actor}")
    click.echo(f"{len(replayed)} events are waiting again.")


@inbox.command()
@_shop
@_by
@click.option("--event", required=True, type=int, help="The event's id.")
@click.option("--note", required=True, help="Why nothing is to be made of it, without naming a person.")
@click.pass_obj
def dismiss(runtime: Callable[[], Runtime], *, domain: str, actor: str, event: int, note: str) -> None:
    """Let nothing be made of a parked webhook, for good."""
    from webhooks import replay as replaying

    with runtime().database.system() as session:
        done = replaying.dismiss(session, _shop_id(session, domain), event, note, actor=f"command line: {actor}")
    if not done:
        raise click.ClickException(f"The shop has no parked event {event}.")
    click.echo(f"Event {event} is dismissed.")


def _shop_id(session: Session, domain: str) -> int:
    from app.shops.queries import shop_by_domain

    found = shop_by_domain(session, domain.lower())
    if found is None:
        raise click.ClickException(f"No shop {domain} has installed this app.")
    return found.id
