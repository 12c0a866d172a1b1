"""`python -m dev_store` serves the development store; `order`, `refund`, `cancel`, `customer`, … ask a running one.

Client id and secret come from SHOPIFY_API_KEY and SHOPIFY_API_SECRET, the names the Shopify CLI uses.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from dev_store.asking import COMMANDS, ask
from dev_store.config import Config, ConfigError, read_app_config


def main(arguments: Sequence[str]) -> int:
    """Exit code 0 when it was done, 1 when the store refused, 2 when the request makes no sense."""
    if arguments and arguments[0] in COMMANDS:
        return ask(arguments)
    from dev_store.server import serve
    from dev_store.web import create_app

    try:
        config = _config(_parser().parse_args(arguments))
        app = create_app(config)
    except ConfigError as error:
        print(error, file=sys.stderr)  # noqa: T201 (a command line)
        return 2
    print(f"development store at {config.origin}, webhooks to {config.app_url}", flush=True)  # noqa: T201 (ditto)
    serve(app)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m dev_store", description=__doc__)
    parser.add_argument("command", nargs="?", choices=["serve"], default="serve")
    parser.add_argument("--home", type=Path, default=Path("var/dev-store"), help="where its state lives")
    parser.add_argument("--host", default="127.0.0.1", help="a loopback address, nothing else")
    parser.add_argument("--port", type=int, default=9292)
    parser.add_argument("--app-url", default="http://127.0.0.1:3000", help="where the app answers")
    parser.add_argument("--app-config", type=Path, default=Path("shopify.app.toml"))
    parser.add_argument("--seed", type=int, help="fixes the dice of the delivery switches")
    return parser


def _config(wanted: argparse.Namespace) -> Config:
    missing = [name for name in ("SHOPIFY_API_KEY", "SHOPIFY_API_SECRET") if not os.environ.get(name)]
    if missing:
        raise ConfigError(f"set {' and '.join(missing)}: the store signs webhooks and tokens with them")
    app_url = wanted.app_url.rstrip("/")
    return Config(
        app_url=app_url,
        client_id=os.environ["SHOPIFY_API_KEY"],
        client_secret=os.environ["SHOPIFY_API_SECRET"],
        app=read_app_config(wanted.app_config, app_url),
        home=wanted.home,
        host=wanted.host,
        port=wanted.port,
        seed=wanted.seed,
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
