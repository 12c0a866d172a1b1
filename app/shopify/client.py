"""The Admin API of one shop: named operations in, data out, everything else an error that says what to do.

Services' jobs call `client_for(runtime, shop_id).execute("DiscountCodeBasicCreate", {...})` with no session open. Reads
are repeated by themselves; a mutation only when it surely was not executed (no connection, throttled, token refused).
User errors and partial answers always raise, but for personal fields that Shopify withholds: those are null, and noted
on the shop. Variables and answers are never logged: they hold personal data.
"""

import random
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import structlog

from app import metrics
from app.runtime import Runtime
from app.shopify import buckets, graphql, operations
from app.shopify.answers import Answer, read
from app.shopify.errors import (
    OutcomeUnknown,
    Rejected,
    ShopPaused,
    Throttled,
    Unauthorised,
    Unavailable,
    UserErrors,
)
from app.shopify.operations import Operation
from app.shops import connection, tokens
from app.shops.tokens import Access

log = structlog.get_logger()

ATTEMPTS = 4
_FIRST_PAUSE = 0.5
_UNKNOWN_COST = 100.0
# What an operation was last found to be priced at before it ran, and was reserved therefore. Per process, a hint only.
_expected_cost: dict[str, float] = {}


@dataclass(frozen=True)
class ShopifyClient:
    """One shop's Admin API. `patience`: the seconds a call may wait in all, for points or for Shopify to recover."""

    runtime: Runtime
    shop_id: int
    patience: float = 30.0

    def execute(self, operation: str, variables: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """The `data` of a named operation. Raises a ShopifyError; see `errors` for what each allows."""
        document = operations.load(operation)
        return _Call(self.runtime, self.shop_id, document, dict(variables or {}), self.patience).run()


def client_for(runtime: Runtime, shop_id: int, *, patience: float = 30.0) -> ShopifyClient:
    """The client of an installed shop. A web request should be less patient than a job."""
    return ShopifyClient(runtime, shop_id, patience)


class _Call:
    """One operation with its retries."""

    def __init__(
        self, runtime: Runtime, shop_id: int, operation: Operation, variables: dict[str, Any], patience: float
    ) -> None:
        self.runtime, self.shop_id, self.operation = runtime, shop_id, operation
        self.variables, self.patience = variables, patience
        self.rejected: str | None = None
        # Whether the last answer said how full the bucket is.
        self.told = False

    def run(self) -> dict[str, Any]:
        attempt = 1
        while True:
            access = tokens.access(self.runtime, self.shop_id, rejected=self.rejected)
            if access.reading_only and self.operation.changes:
                raise ShopPaused(connection.CURRENCY, connection.LONGEST.total_seconds())
            reserved = self._reserve()
            try:
                return self._send(access, reserved)
            except Unauthorised:
                if self.rejected is not None:
                    tokens.distrust(self.runtime, access)
                    raise
                self.rejected = access.token  # refused before it ran; the next round asks for another token
            except ShopPaused as error:
                raise self._paused(error) from error
            except Throttled as error:
                self._queue_again(error, attempt)
                attempt += 1
            except Unavailable as error:
                self._pause(error, attempt)
                attempt += 1

    def _send(self, access: Access, reserved: float) -> dict[str, Any]:
        started = time.monotonic()
        outcome, self.told = "refused", False
        try:
            document = graphql.request(
                self.runtime.settings, access.domain, access.token, self.operation, self.variables
            )
            cost = buckets.cost_of(document)
            self._learn(cost, reserved)
            answer = self._read(access, document, cost)
            outcome = "answered"
        except OutcomeUnknown as error:
            outcome = "unknown"
            self._log("shopify call without an outcome", started)
            if self.operation.changes:
                raise
            raise Unavailable(str(error)) from error
        finally:
            if not self.told:
                buckets.give_back(self.runtime, self.shop_id, reserved)
            metrics.shopify_calls.labels(self.operation.name, outcome).inc()
        self._log("shopify call", started, cost=cost.requested, available=cost.available)
        if answer.withheld:
            with self.runtime.database.shop(self.shop_id) as session:
                connection.withhold(session, self.shop_id, answer.withheld)
        return answer.data

    def _read(self, access: Access, document: dict[str, Any], cost: buckets.Cost) -> Answer:
        try:
            answer = read(document, cost, changes=self.operation.changes)
        except (UserErrors, Rejected, Throttled):
            self._answered(access)  # to refuse is to answer
            raise
        self._answered(access)
        return answer

    def _answered(self, access: Access) -> None:
        """Whatever a shop answers that was paused, it lives."""
        if access.looking:
            connection.answered(self.runtime, self.shop_id)

    def _learn(self, cost: buckets.Cost, reserved: float) -> None:
        if cost.requested is not None:
            _expected_cost[self.operation.name] = cost.requested
        if cost.actual is not None:
            metrics.shopify_points.labels(self.operation.name).inc(cost.actual)
        self.told = buckets.settle(self.runtime, self.shop_id, reserved, cost)

    def _reserve(self) -> float:
        """Take the points that the call is expected to cost, and wait until they are there. Raises Throttled."""
        expected = _expected_cost.get(self.operation.name, _UNKNOWN_COST)
        wait = buckets.reserve(self.runtime, self.shop_id, expected, patience=self.patience)
        if wait > self.patience:
            raise Throttled(wait)
        if wait > 0:
            self._wait(wait)
        return expected

    def _queue_again(self, error: Throttled, attempt: int) -> None:
        """The bucket has learnt how empty it is, and gives the next attempt its turn; if it could not, we wait."""
        metrics.shopify_throttled.labels(self.operation.name).inc()
        if attempt >= ATTEMPTS:
            raise error
        if not self.told:
            self._pause(error, attempt)

    def _paused(self, error: ShopPaused) -> ShopPaused:
        with self.runtime.database.shop(self.shop_id) as session:
            return connection.pause(session, self.shop_id, error.reason)

    def _pause(self, error: Unavailable, attempt: int) -> None:
        """Wait as told, with a little chance in it so that several processes do not come back together."""
        wait = error.wait or _FIRST_PAUSE * 2 ** (attempt - 1)
        wait *= 1 + random.random() / 10  # noqa: S311 - no secret depends on it
        if attempt >= ATTEMPTS or wait > self.patience:
            raise error
        self._wait(wait)

    def _wait(self, seconds: float) -> None:
        self.patience -= seconds
        time.sleep(seconds)

    def _log(self, event: str, started: float, **figures: float | None) -> None:
        milliseconds = round((time.monotonic() - started) * 1000)
        log.info(event, operation=self.operation.name, shop=self.shop_id, milliseconds=milliseconds, **figures)
