"""Bytes to and from Shopify: one POST, and what the answer means before anybody reads its JSON.

`client` and `oauth` use it. Redirects are never followed, because a token would go with them. A connection is pooled
per thread. What must stay true: an error says whether the request may have been executed.
"""

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import requests
from urllib3.exceptions import ConnectTimeoutError, NewConnectionError

from app.config import Settings
from app.shopify.errors import OutcomeUnknown, ShopifyError, ShopPaused, Unauthorised, Unavailable
from app.shopify.origin import is_shopify_itself, shop_url

CONNECT_SECONDS = 5
READ_SECONDS = 20
_RETRY_AFTER_SECONDS = 2.0  # what Shopify mostly says with a 429, where it says nothing
_RETRY_AFTER_LIMIT = 300.0

# Statuses by which Shopify says that nothing works in a shop for now, and our word for each (shopify-platform 4.2).
PAUSING = {402: "frozen", 404: "closed", 423: "locked"}

_local = threading.local()


@dataclass(frozen=True)
class Reply:
    """An HTTP answer, whole."""

    status: int
    headers: Mapping[str, str]
    document: Any

    @property
    def retry_after(self) -> float:
        """Seconds Shopify asks us to wait, within reason."""
        try:
            seconds = float(self.headers.get("Retry-After", ""))
        except ValueError:
            return _RETRY_AFTER_SECONDS
        return min(max(seconds, 0.0), _RETRY_AFTER_LIMIT)


def post(settings: Settings, shop: str, path: str, body: dict[str, Any], headers: Mapping[str, str]) -> Reply:
    """POST a JSON body to a path of the shop.

    Raises Unavailable when the request surely did not arrive, OutcomeUnknown when it may have; NotAShop first of all.
    `document` of the reply is None where the body is not JSON.
    """
    try:
        answer = _session(settings).post(
            shop_url(settings, shop, path),
            json=body,
            headers={"Accept": "application/json", "User-Agent": "Perennial", **headers},
            timeout=(CONNECT_SECONDS, READ_SECONDS),
            allow_redirects=False,
        )
    except requests.ConnectTimeout as error:
        raise Unavailable("Shopify could not be reached in time") from error
    except requests.RequestException as error:
        if _never_connected(error):
            raise Unavailable("Shopify could not be reached") from error
        raise OutcomeUnknown("the connection to Shopify was lost before it answered") from error
    return Reply(status=answer.status_code, headers=answer.headers, document=_json(answer))


def refuse_failures(reply: Reply) -> None:
    """Raise what an HTTP status other than 200 means; see shopify-platform 4.2 for the list."""
    if reply.status == 200:
        return
    raise _failure(reply)


def _failure(reply: Reply) -> ShopifyError:
    status = reply.status
    if status in (401, 403):
        return Unauthorised(f"Shopify refuses the access token (HTTP {status})")
    if status in PAUSING:
        return ShopPaused(PAUSING[status])
    if status == 429:
        return Unavailable("too many requests (HTTP 429)", reply.retry_after)
    if status >= 500:
        return OutcomeUnknown(f"Shopify failed (HTTP {status})")
    return ShopifyError(f"Shopify refuses the request (HTTP {status})")


def _session(settings: Settings) -> requests.Session:
    """This thread's pooled connections. A development store is on this machine: no proxy is asked about it."""
    name = "shopify" if is_shopify_itself(settings) else "development"
    session = getattr(_local, name, None)
    if not isinstance(session, requests.Session):
        session = requests.Session()
        session.trust_env = name == "shopify"
        setattr(_local, name, session)
    return session


def _never_connected(error: requests.RequestException) -> bool:
    reason = getattr(error.args[0], "reason", None) if error.args else None
    return isinstance(reason, NewConnectionError | ConnectTimeoutError)


def _json(answer: requests.Response) -> Any:
    try:
        return answer.json()
    except ValueError:
        return None
