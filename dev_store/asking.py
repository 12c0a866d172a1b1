"""The command line of a running development store: thin clients of its control plane, one subcommand a verb.

`python -m dev_store order --shop demo.myshopify.com --customer 5000000000000 --line "Mug:2:12.50" --code SAVE5`
"""

import argparse
import os
from collections.abc import Callable, Sequence
from typing import Any

import requests

COMMANDS = ("shop", "customer", "discount", "order", "refund", "cancel")


def ask(arguments: Sequence[str]) -> int:
    """Prints the store's answer as JSON; 0 when it was done, 1 when it was refused or the store is not there."""
    wanted = _parser().parse_args(arguments)
    base = f"{wanted.url.rstrip('/')}/_dev/shops"
    target = base if wanted.command == "shop" else f"{base}/{wanted.shop}/{wanted.verb}"
    try:
        answer = requests.post(target, json=wanted.build(wanted), timeout=30)
    except requests.ConnectionError:
        print(f"no development store answers at {wanted.url}: start it with python -m dev_store")  # noqa: T201
        return 1
    print(answer.text.strip())  # noqa: T201 (a command line)
    return 0 if answer.ok else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m dev_store", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    _shop(_command(commands, "shop", "", _named("domain", "name", "currency", "timezone", "country")))
    _customer(_command(commands, "customer", "create_customer", _named(*_CUSTOMER, "accepts_marketing")))
    _discount(_command(commands, "discount", "create_discount", _named("code", "amount", "percentage", "customers")))
    _order(_command(commands, "order", "place_order", _order_body))
    _refund(_command(commands, "refund", "refund", _refund_body))
    cancel = _command(commands, "cancel", "cancel", lambda found: {"id": found.order, "refund": not found.keep_money})
    cancel.add_argument("--order", type=int, required=True)
    cancel.add_argument("--keep-money", action="store_true", help="cancel without refunding")
    return parser


Body = Callable[[argparse.Namespace], dict[str, Any]]
_CUSTOMER = ("email", "first_name", "last_name", "phone", "country", "language")


def _command(commands: Any, name: str, verb: str, build: Body) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(name)
    parser.add_argument("--url", default=os.environ.get("PERENNIAL_DEV_STORE", "http://127.0.0.1:9292"))
    if verb:
        parser.add_argument("--shop", required=True, help="full domain, such as demo.myshopify.com")
    parser.set_defaults(verb=verb, build=build)
    return parser


def _named(*fields: str) -> Body:
    """Sends the named options that were given."""
    return lambda found: {name: value for name in fields if (value := getattr(found, name)) not in (None, False)}


def _shop(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("domain")
    for name in ("name", "currency", "timezone", "country"):
        parser.add_argument(f"--{name}")


def _customer(parser: argparse.ArgumentParser) -> None:
    for name in _CUSTOMER:
        parser.add_argument(f"--{name.replace('_', '-')}", dest=name)
    parser.add_argument("--accepts-marketing", dest="accepts_marketing", action="store_true")


def _discount(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--code", required=True)
    parser.add_argument("--amount", help="such as 5.00")
    parser.add_argument("--percentage", help="such as 0.1 for 10 %%")
    parser.add_argument("--customer", dest="customers", type=int, action="append", help="only for this customer's id")


def _order(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--customer", type=int)
    parser.add_argument("--email")
    parser.add_argument("--line", action="append", required=True, type=_line, help="title:quantity:price")
    parser.add_argument("--code", action="append", default=[])
    parser.add_argument("--shipping", default="0.00")
    parser.add_argument("--pending", action="store_true", help="not paid yet")
    parser.add_argument("--test", action="store_true")


def _order_body(found: argparse.Namespace) -> dict[str, Any]:
    return {
        "customer_id": found.customer,
        "email": found.email,
        "lines": found.line,
        "discount_codes": found.code,
        "shipping": found.shipping,
        "financial_status": "pending" if found.pending else "paid",
        "test": found.test,
    }


def _line(text: str) -> dict[str, Any]:
    """'Mug:2:12.50'; a ValueError becomes argparse's own complaint."""
    title, quantity, price = text.rsplit(":", 2)
    return {"title": title, "sku": title.upper().replace(" ", "-"), "quantity": int(quantity), "price": price}


def _refund(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--order", type=int, required=True)
    parser.add_argument("--line", action="append", default=[], type=_pieces, help="line id:pieces")
    parser.add_argument("--amount", help="money tied to no line")
    parser.add_argument("--shipping", default="0.00")


def _pieces(text: str) -> tuple[str, int]:
    line_id, pieces = text.split(":", 1)
    return line_id, int(pieces)


def _refund_body(found: argparse.Namespace) -> dict[str, Any]:
    return {"id": found.order, "lines": dict(found.line), "amount": found.amount, "shipping": found.shipping}
