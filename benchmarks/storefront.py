"""Claims: what the extension costs a merchant's theme. What every page starts with has at most 6 kB gzipped and takes
at most 5 ms of a processor four times slower, in no long task; nothing is asked of the app before the visitor acts;
nothing moves; the performance score of a page differs by at most one point with and without the extension.

The pages are the development store's own, served by this process, compressed as a CDN would do it, to a visitor on a
phone (see `page_speed`). In the same run, each page in turn under each theme: without the extension; with a script as
heavy as the lightest of the rivals that others have measured (104.75 kB, Smile's), which defines functions and calls
each of them once; and, for the time of scripts, with empty scripts in the place of ours, which is what a browser takes
for having a script at all. Points are compared within a round, so that a machine that slows down slows both.
"""

import argparse
import gzip
import json
import os
import random
import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import product
from statistics import mean, median

from flask import Response, request

from benchmarks.page_speed import Ours, Scripts, Speed, measure, scripts
from benchmarks.processor import Watch
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
    "long_tasks": Wanted(at_most=0),
    "layout_shift": Wanted(at_most=0),
    "score_lost": Wanted(at_most=1),
}
SHOP = "bench-1.myshopify.com"
PAGES = {"home": "", "collection": "collections/all", "product": "products/thyme", "cart": "cart"}
ASSETS = ROOT / "storefront_snippets" / "assets"
RIVAL_BYTES = 104_750
BARE, OURS, RIVAL = "without", "with Perennial", "with a script of 105 kB"
EMPTY = "with empty scripts"
_STARTER = re.compile(rb"\(\(\) => \{\s+if \(window\.perennial\).*?\n\s+\}\)\(\);", re.DOTALL)
_SCRIPT_TURNS = 3  # a round; a page is loaded for each
_TEXTS = {"title": "Before you go", "consent": "I agree.", "consent_version": "1", "teaser": "5.00 off"}
_POPUP = {"id": 1, "trigger": {"exit": True, "scroll": 80}, "target": {}, "teaser": True, "texts": {"en": _TEXTS}}


class Theme:
    """A shop whose theme carries the extension, a rival's script, or nothing."""

    def __init__(self) -> None:
        app_url = "http://127.0.0.1:9"
        declared = read_app_config(ROOT / "shopify.app.toml", app_url)
        self.flask_app = create_app(Config(app_url, "key", "secret", declared, port=0))
        self.store: DevStore = self.flask_app.extensions["dev_store"]
        self._worn = OURS
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
        """Switch to one of BARE, OURS, RIVAL, EMPTY."""
        off = [] if what in {OURS, EMPTY} else ["popups", "points", "referral"]
        save_theme(self.store.state, SHOP, {"off": off, "settings": {}})
        self._worn = what

    def is_ours(self, page: str) -> Ours:
        """Tells the extension's scripts on a page: its files, and what begins in the page where its starter stands."""
        html = self.flask_app.test_client().get(page).get_data()
        found = _STARTER.search(html)
        assert found is not None
        # From the line of the tag on, in which the starter begins.
        first = html[: found.start()].count(b"\n")
        return lambda named, line: "/_extension/" in named or (named.endswith(page) and line >= first)

    def _serve_rival(self) -> Response:
        return Response(self._rival, content_type="text/javascript")

    def _finish(self, answer: Response) -> Response:
        answer.direct_passthrough = False
        body = answer.get_data()
        if self._worn == RIVAL and answer.mimetype == "text/html":
            body = body.replace(b"</body>", b'<script src="/_rival.js" defer></script></body>')
        if self._worn == EMPTY:
            body = b"0;" if request.path.endswith(".js") else _STARTER.sub(b"0;", body)
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
    """The rounds of each page under each theme; what scripts cost, ours and empty ones."""

    speeds: dict[tuple[str, str], list[Speed]]
    script: dict[str, list[Scripts]]
    others: float

    def score(self, page: str, theme: str) -> float:
        return median(speed.score for speed in self.speeds[page, theme])

    def lost(self, page: str, theme: str) -> float:
        """Points, usually, within a round."""
        pairs = zip(self.speeds[page, BARE], self.speeds[page, theme], strict=True)
        return median(bare.score - worn.score for bare, worn in pairs)

    def spread(self, page: str) -> float:
        """By how many points a page without anything differs from itself."""
        scores = [speed.score for speed in self.speeds[page, BARE]]
        return max(scores) - min(scores)


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
    script: dict[str, list[Scripts]] = {OURS: [], EMPTY: []}
    with _street() as (theme, shop), open_browser() as browser, Watch({"browser and shop": os.getpid()}) as watch:
        is_ours = theme.is_ours(f"/{SHOP}/")
        for worn in (BARE, OURS):  # what browser and shop do only once
            theme.wear(worn)
            measure(browser, shop)
        for number in range(sizes.rounds):
            # There and back, so that none of them always comes first.
            themes = (BARE, OURS, RIVAL) if number % 2 == 0 else (RIVAL, OURS, BARE)
            for page, worn in product(sizes.pages, themes):
                theme.wear(worn)
                speeds.setdefault((page, worn), []).append(measure(browser, shop + PAGES[page]))
            for worn in (OURS, EMPTY) * _SCRIPT_TURNS:
                theme.wear(worn)
                script[worn].append(scripts(browser, shop, is_ours))
    return report(Measured(speeds, script, watch.use.others), sizes.pages)


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
    times = {theme: [script.ms for script in found] for theme, found in measured.script.items()}
    print(f"\n  milliseconds of scripts on the home page: {_told(times[OURS])}")
    print(f"  of empty ones in their place: {_told(times[EMPTY])}")
    ours = [speed for (_, theme), found in measured.speeds.items() if theme == OURS for speed in found]
    asked = {url for speed in ours for url in speed.requests if "/apps/" in url}
    figures: dict[str, Figure] = {
        "start_script_gzipped_bytes": _started_with(),
        "popup_gzipped_bytes": sum(_gzipped(name) for name in ("perennial.js", "perennial-dialog.js", "perennial.css")),
        "start_script_ms": round(median(times[OURS]), 2),
        "empty_script_ms": round(median(times[EMPTY]), 2),
        "app_requests": len(asked),
        "long_tasks": sum(script.long_tasks for script in measured.script[OURS]),
        "long_tasks_of_a_page": _long_tasks(measured, OURS),
        "long_tasks_of_a_bare_page": _long_tasks(measured, BARE),
        "layout_shift": max(speed.shifts for speed in ours),
        "score_lost": round(max(measured.lost(page, OURS) for page in pages), 2),
        "score_lost_to_a_rival": round(max(measured.lost(page, RIVAL) for page in pages), 2),
        "score_spread_of_a_bare_page": round(max(measured.spread(page) for page in pages), 2),
        "cores_used_by_others": measured.others,
    }
    return conclude("storefront", figures, WANTED, "latency and bandwidth of the phone that is imitated")


def _told(times: Sequence[float]) -> str:
    return f"median {median(times):.2f}, from {min(times):.2f} to {max(times):.2f}, {len(times)} times"


def _started_with() -> int:
    """All that a page with the embed carries before anybody acts, and what is fetched at the first sign of somebody."""
    source = (ROOT / "storefront_snippets" / "blocks" / "popups.liquid").read_bytes()
    starter = _STARTER.search(source)
    assert starter is not None
    return len(gzip.compress(starter.group(), 9)) + _gzipped("perennial.js")


def _medians(found: Sequence[Speed]) -> tuple[Figure, ...]:
    names = ("first_paint", "largest_paint", "blocked", "shifts")
    return (
        *(float(median(getattr(speed, name) for speed in found)) for name in names),
        int(median(len(speed.requests) for speed in found)),
        int(median(speed.bytes for speed in found)),
    )


def _long_tasks(measured: Measured, theme: str) -> float:
    """Of all that the browser does for a page (its layout takes about 50 ms), with whatever is in it."""
    return round(
        mean(speed.long_tasks for (_, worn), found in measured.speeds.items() if worn == theme for speed in found), 2
    )


def _gzipped(asset: str) -> int:
    return len(gzip.compress((ASSETS / asset).read_bytes(), 9))


if __name__ == "__main__":
    sys.exit(main())
