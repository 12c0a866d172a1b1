"""Claims: what the extension costs a merchant's theme. The script that every page starts with has at most 6 kB gzipped
and takes at most 5 ms of a processor four times slower; nothing is asked of the app before the visitor acts; no long
task; nothing moves; the performance score of a page differs by at most one point with and without the extension.

The pages are the development store's own, served by this process, compressed as a CDN would do it, to a visitor on a
phone (see `page_speed`). In the same run: the pages without the extension, and with a script as heavy as the lightest
of the rivals that others have measured (104.75 kB, Smile's), which defines functions and calls each of them once.
"""

import argparse
import gzip
import json
import random
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from statistics import median

from flask import Response, request

from benchmarks.page_speed import Speed, measure, script_ms
from benchmarks.report import Figure, Wanted, conclude, table
from benchmarks.world import ROOT
from dev_store.commerce import open_shop
from dev_store.config import Config, read_app_config
from dev_store.server import serving
from dev_store.store import DevStore
from dev_store.storefront.blocks import save_theme
from dev_store.web import create_app
from tools.browser import open_browser

WANTED = {
    "start_script_gzipped_bytes": Wanted(at_most=6_000),
    "start_script_ms": Wanted(at_most=5),
    "app_requests": Wanted(at_most=0),
    "long_tasks_added": Wanted(at_most=0),
    "layout_shift": Wanted(at_most=0),
    "score_lost": Wanted(at_most=1),
}
SHOP = "bench-1.myshopify.com"
PAGES = {"home": "", "collection": "collections/all", "product": "products/thyme", "cart": "cart"}
ASSETS = ROOT / "storefront_snippets" / "assets"
RIVAL_BYTES = 104_750
BARE, OURS, RIVAL = "without", "with Perennial", "with a script of 105 kB"
_TEXTS = {"title": "Before you go", "consent": "I agree.", "consent_version": "1", "teaser": "5.00 off"}
_POPUP = {"id": 1, "trigger": {"exit": True, "scroll": 80}, "target": {}, "teaser": True, "texts": {"en": _TEXTS}}


class Theme:
    """A shop whose theme carries the extension, a rival's script, or nothing."""

    def __init__(self) -> None:
        app_url = "http://127.0.0.1:9"
        declared = read_app_config(ROOT / "shopify.app.toml", app_url)
        self.flask_app = create_app(Config(app_url, "key", "secret", declared, port=0))
        self.store: DevStore = self.flask_app.extensions["dev_store"]
        self._with_rival = False
        self._rival = rival(RIVAL_BYTES)
        self.flask_app.add_url_rule("/_rival.js", view_func=self._serve_rival)
        self.flask_app.after_request(self._finish)

    def fill(self) -> None:
        """A shop with products and a popup that waits."""
        at = self.store.clock.now()
        open_shop(self.store.state, SHOP, name="Bench", at=at, currency="EUR", country="DE")
        commerce = self.store.commerce(SHOP)
        for title in ("Basil", "Chervil", "Dill", "Mint", "Sage", "Thyme"):
            commerce.create_product(at=at, title=title, variants=[{"price": "12.00"}])
        owner = f"gid://shopify/AppInstallation/{commerce.shop_document()['id']}"
        value = {"namespace": "perennial", "key": "popups", "type": "json", "value": json.dumps({"list": [_POPUP]})}
        self.store.state.put(SHOP, "metafield", "popups", {"id": "popups", "owner": owner, **value})

    def wear(self, what: str) -> None:
        """Switch to one of BARE, OURS, RIVAL."""
        off = [] if what == OURS else ["popups", "points", "referral"]
        save_theme(self.store.state, SHOP, {"off": off, "settings": {}})
        self._with_rival = what == RIVAL

    def _serve_rival(self) -> Response:
        return Response(self._rival, content_type="text/javascript")

    def _finish(self, answer: Response) -> Response:
        answer.direct_passthrough = False
        body = answer.get_data()
        if self._with_rival and answer.mimetype == "text/html":
            body = body.replace(b"</body>", b'<script src="/_rival.js" defer></script></body>')
        if "gzip" in request.headers.get("Accept-Encoding", ""):
            body = gzip.compress(body, 6)
            answer.headers["Content-Encoding"] = "gzip"
        answer.set_data(body)
        return answer


def rival(size: int) -> bytes:
    """A script that has so many bytes when gzipped: functions with names and numbers of their own, each called once."""
    rng, parts, length = random.Random(1), list[str](), 0
    while length < size:
        names = [f"{rng.getrandbits(48):x}" for _ in range(400)]
        parts += [f"(function f{n}(a){{const b='{n}'+a;return b.length?b:f{n}(b)}})({rng.random()});" for n in names]
        length = len(gzip.compress("\n".join(parts).encode(), 6))
    return "\n".join(parts).encode()


@dataclass(frozen=True)
class Measured:
    """The rounds of each page under each theme, and the time of the start-up script in each round."""

    speeds: dict[tuple[str, str], list[Speed]]
    script: list[float]

    def score(self, page: str, theme: str) -> float:
        return median(speed.score for speed in self.speeds[page, theme])


def main() -> int:
    """Measure, print, and return the exit code."""
    return run(parse(sys.argv[1:]))


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """The sizes of this run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--pages", nargs="*", default=list(PAGES), choices=list(PAGES))
    return parser.parse_args(arguments)


def run(sizes: argparse.Namespace) -> int:
    """Every page in turn under every theme, so that what disturbs the machine disturbs all of them."""
    speeds: dict[tuple[str, str], list[Speed]] = {}
    script: list[float] = []
    with _street() as (theme, shop), open_browser() as browser:
        theme.wear(BARE)
        measure(browser, shop)  # what a browser does only once
        for _ in range(sizes.rounds):
            for page in sizes.pages:
                for worn in (BARE, OURS, RIVAL):
                    theme.wear(worn)
                    speeds.setdefault((page, worn), []).append(measure(browser, shop + PAGES[page]))
            theme.wear(OURS)
            script.append(script_ms(browser, shop, "perennial"))
    return report(Measured(speeds, script), sizes.pages)


@contextmanager
def _street() -> Iterator[tuple[Theme, str]]:
    theme = Theme()
    with serving(theme.flask_app) as origin:
        theme.fill()
        yield theme, f"{origin}/{SHOP}/"


def report(measured: Measured, pages: Sequence[str]) -> int:
    """Print the table and the JSON line."""
    rows: list[tuple[Figure, ...]] = [
        (f"{page}, {theme}", *_medians(found), measured.score(page, theme))
        for (page, theme), found in measured.speeds.items()
    ]
    table(("", "FCP ms", "LCP ms", "TBT ms", "CLS", "requests", "bytes", "score"), rows)
    ours = [speed for (_, theme), found in measured.speeds.items() if theme == OURS for speed in found]
    asked = {url for speed in ours for url in speed.requests if "/apps/" in url}
    figures: dict[str, Figure] = {
        "start_script_gzipped_bytes": _gzipped("perennial.js"),
        "dialog_gzipped_bytes": _gzipped("perennial-dialog.js") + _gzipped("perennial.css"),
        "start_script_ms": round(median(measured.script), 2),
        "app_requests": len(asked),
        "long_tasks_added": max(_long_tasks(measured, page) for page in pages),
        "layout_shift": max(speed.shifts for speed in ours),
        "score_lost": round(max(_lost(measured, page, OURS) for page in pages), 2),
        "score_lost_to_a_rival": round(max(_lost(measured, page, RIVAL) for page in pages), 2),
    }
    return conclude("storefront", figures, WANTED, "latency and bandwidth of the phone that is imitated")


def _medians(found: Sequence[Speed]) -> tuple[Figure, ...]:
    names = ("first_paint", "largest_paint", "blocked", "shifts")
    return (
        *(float(median(getattr(speed, name) for speed in found)) for name in names),
        int(median(len(speed.requests) for speed in found)),
        int(median(speed.bytes for speed in found)),
    )


def _lost(measured: Measured, page: str, theme: str) -> float:
    return measured.score(page, BARE) - measured.score(page, theme)


def _long_tasks(measured: Measured, page: str) -> int:
    """By how many the usual number grows."""
    ours, bare = (median(one.long_tasks for one in measured.speeds[page, theme]) for theme in (OURS, BARE))
    return max(int(ours - bare), 0)


def _gzipped(asset: str) -> int:
    return len(gzip.compress((ASSETS / asset).read_bytes(), 9))


if __name__ == "__main__":
    sys.exit(main())
