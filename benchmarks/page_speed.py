"""How fast a page is for a visitor on a middling phone, and the performance score that Lighthouse would make of it.

The conditions are Lighthouse's mobile ones as it applies them to a real browser: processor four times slower, 562.5 ms
to the first byte of an answer, 1,475 kbit/s. Weights and curves are those of its versions 10 to 12
(https://developer.chrome.com/docs/lighthouse/performance/performance-scoring, and the calculator that it links to).
Not Lighthouse itself: Speed Index is taken as the middle between first and largest paint, as for a page that is half
complete at the one and complete at the other, where Lighthouse looks at a film.
"""

import json
import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

from playwright.sync_api import Browser, CDPSession, Page

_PHONE: dict[str, Any] = {"viewport": {"width": 412, "height": 823}, "is_mobile": True, "has_touch": True}
_NETWORK = {
    "offline": False,
    "latency": 562.5,
    "downloadThroughput": 1_474.56 * 1_024 / 8,
    "uploadThroughput": 675 * 1_024 / 8,
}
_SLOWER = 4
_LONG = 50_000  # microseconds of a task (https://w3c.github.io/longtasks/)
_QUIET_MS = 500  # without a request or a task, after which a page counts as loaded
# (weight, value that scores 0.9, value that scores 0.5); milliseconds, except for the shifts of the layout.
_CURVES = {
    "first_paint": (0.10, 1_800.0, 3_000.0),
    "speed_index": (0.10, 3_387.0, 5_800.0),
    "largest_paint": (0.25, 2_500.0, 4_000.0),
    "blocked": (0.30, 200.0, 600.0),
    "shifts": (0.25, 0.1, 0.25),
}
_WATCH = """
window.__seen = {largest: 0, shifts: 0, tasks: []};
const watch = (type, note) => new PerformanceObserver((list) => list.getEntries().forEach(note))
  .observe({type, buffered: true});
watch("largest-contentful-paint", (entry) => { window.__seen.largest = entry.startTime; });
watch("layout-shift", (entry) => { if (!entry.hadRecentInput) window.__seen.shifts += entry.value; });
watch("longtask", (entry) => window.__seen.tasks.push([entry.startTime, entry.duration]));
"""
_READ = """() => ({...window.__seen,
  first: performance.getEntriesByName("first-contentful-paint")[0].startTime})"""


@dataclass(frozen=True)
class Speed:
    """Milliseconds after the page was asked for; `shifts` is the cumulative layout shift, `bytes` crossed the wire."""

    first_paint: float
    largest_paint: float
    blocked: float
    shifts: float
    long_tasks: int
    requests: tuple[str, ...]
    bytes: int

    @property
    def speed_index(self) -> float:
        """Half of the page at the first paint, all of it at the largest."""
        return (self.first_paint + self.largest_paint) / 2

    @property
    def score(self) -> float:
        """0 to 100."""
        parts = ((weight, getattr(self, name), good, half) for name, (weight, good, half) in _CURVES.items())
        return 100 * sum(weight * curve(value, good, half) for weight, value, good, half in parts)


def curve(value: float, good: float, half: float) -> float:
    """A log-normal curve that gives 0.9 at `good` and 0.5 at `half`; 1 for nothing at all."""
    if value <= 0:
        return 1.0
    spread = math.log(half / good) / NormalDist().inv_cdf(0.9)
    return 1 - NormalDist(math.log(half), spread).cdf(math.log(value))


def measure(browser: Browser, address: str) -> Speed:
    """Load a page once, with nothing in the cache, and leave it alone until it is quiet."""
    context = browser.new_context(**_PHONE)
    page = context.new_page()
    page.add_init_script(_WATCH)
    session = _slowed(page)
    received, asked = list[int](), list[str]()
    session.on("Network.loadingFinished", lambda event: received.append(int(event["encodedDataLength"])))
    page.on("request", lambda request: asked.append(request.url))
    page.goto(address, wait_until="networkidle")
    page.wait_for_timeout(_QUIET_MS)
    seen = page.evaluate(_READ)
    context.close()
    late = [duration for start, duration in seen["tasks"] if start + duration > seen["first"]]
    return Speed(
        first_paint=seen["first"],
        largest_paint=max(seen["largest"], seen["first"]),
        blocked=sum(duration - 50 for duration in late),
        shifts=seen["shifts"],
        long_tasks=len(seen["tasks"]),
        requests=tuple(asked),
        bytes=sum(received),
    )


# Whether a script is one that is measured: the address of its file or page, and the line on which it begins.
Ours = Callable[[str, int], bool]


@dataclass(frozen=True)
class Scripts:
    """Milliseconds of the slowed processor that some scripts of a page took, compiling included, and in how many long
    tasks (50 ms and more) they had a part."""

    ms: float
    long_tasks: int


def scripts(browser: Browser, address: str, is_ours: Ours) -> Scripts:
    """What some scripts of a page cost until it was quiet."""
    context = browser.new_context(**_PHONE)
    page = context.new_page()
    _slowed(page)
    browser.start_tracing(page=page, categories=_TRACED)
    page.goto(address, wait_until="networkidle")
    page.wait_for_timeout(_QUIET_MS)
    events = json.loads(browser.stop_tracing())["traceEvents"]
    context.close()
    spans = _spans(events, is_ours)
    return Scripts(_covered(spans) / 1_000, long_tasks(events, spans))


def _slowed(page: Page) -> CDPSession:
    session = page.context.new_cdp_session(page)
    session.send("Network.enable")
    session.send("Network.emulateNetworkConditions", _NETWORK)
    session.send("Emulation.setCPUThrottlingRate", {"rate": _SLOWER})
    return session


_TRACED = ["devtools.timeline", "v8", "disabled-by-default-v8.compile", "disabled-by-default-devtools.timeline"]
_WORK = frozenset({"EvaluateScript", "FunctionCall", "v8.compile", "v8.evaluateModule", "v8.compileModule"})


def _spans(events: Iterable[dict[str, Any]], is_ours: Ours) -> list[tuple[float, float, float]]:
    """When the page's own thread compiled or ran our scripts: from, until, processor time (microseconds)."""
    found = []
    for event in events:
        data = event.get("args", {}).get("data") or {}
        named = str(data.get("url") or event.get("args", {}).get("fileName") or "")
        if event.get("name") in _WORK and "dur" in event and is_ours(named, int(data.get("lineNumber", 0))):
            found.append((event["ts"], event["ts"] + event["dur"], event.get("tdur", event["dur"])))
    return sorted(found)


def long_tasks(events: Iterable[dict[str, Any]], spans: list[tuple[float, float, float]]) -> int:
    """The long tasks in which a span begins."""
    tasks = [event for event in events if event.get("name") == "RunTask" and event.get("dur", 0) >= _LONG]
    return sum(any(task["ts"] <= start < task["ts"] + task["dur"] for start, _end, _spent in spans) for task in tasks)


def _covered(spans: list[tuple[float, float, float]]) -> float:
    """The processor time of all spans together, without those that lie within another one."""
    total, until = 0.0, 0.0
    for start, end, spent in spans:
        if start >= until:
            total, until = total + spent, end
    return total
