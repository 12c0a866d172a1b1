"""Access tokens, refresh tokens and ID tokens: what the development store hands out and what it believes.

`oauth` issues, `graphql.routes` asks `holder`. Times are the machine's, not the store's shifted clock: an app measures
`expires_in` by its own wall clock. What must stay true: a code is used once; a refresh rotates, and the refresh token
before it works until its replacement is first used (Shopify changelog of 28 August 2026).
"""

import hmac
import json
import secrets
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from dev_store.state import Document, State

ACCESS_SECONDS = 3600
REFRESH_SECONDS = 90 * 24 * 3600
GRANT_SECONDS = 600
ID_TOKEN_SECONDS = 60
LEEWAY_SECONDS = 10


class TokenRefused(Exception):
    """`error` is OAuth's word for it, `description` goes to the app's log."""

    def __init__(self, error: str, description: str) -> None:
        super().__init__(f"{error}: {description}")
        self.error, self.description = error, description


@dataclass(frozen=True)
class Tokens:
    """The tokens of one shop. Nothing here looks at other shops' documents."""

    state: State
    shop: str

    def grant(self, scopes: list[str]) -> str:
        """Makes an authorization code for the scopes the merchant approved."""
        code = secrets.token_hex(16)
        self._put("grant", {"code": code, "scopes": scopes, "made": time.time()})
        return code

    def redeem(self, code: str) -> list[str]:
        """The scopes behind a code, which is worth nothing afterwards. Raises TokenRefused(invalid_request)."""
        with self.state.transaction():
            for document in self.state.find(self.shop, "grant", "code", code):
                self.state.delete(self.shop, "grant", document["id"])
                if document["made"] + GRANT_SECONDS > time.time():
                    return list(document["scopes"])
        raise TokenRefused("invalid_request", "The authorization code was not found or was already used")

    def issue(self, scopes: list[str], *, expiring: bool, follows: int | None = None) -> dict[str, Any]:
        """A new offline token as the token endpoint answers it. `follows` is the token a refresh replaces."""
        now = time.time()
        document: Document = {"access_token": f"shpat_{secrets.token_hex(16)}", "scopes": scopes, "follows": follows}
        answer: dict[str, Any] = {"access_token": document["access_token"], "scope": ",".join(scopes)}
        if expiring:
            document |= {
                "refresh_token": f"shprt_{secrets.token_hex(16)}",
                "expires_at": now + ACCESS_SECONDS,
                "refresh_expires_at": now + REFRESH_SECONDS,
            }
            answer |= {
                "expires_in": ACCESS_SECONDS,
                "refresh_token": document["refresh_token"],
                "refresh_token_expires_in": REFRESH_SECONDS,
            }
        self._put("token", document)
        return answer

    def refresh(self, refresh_token: str) -> dict[str, Any]:
        """A new pair for an old refresh token. Raises TokenRefused(invalid_grant)."""
        with self.state.transaction():
            for document in self.state.find(self.shop, "token", "refresh_token", refresh_token):
                if document["refresh_expires_at"] > time.time():
                    self._retire_predecessor(document)
                    return self.issue(document["scopes"], expiring=True, follows=document["id"])
        raise TokenRefused("invalid_grant", "The refresh token is invalid, expired or was replaced")

    def holder(self, access_token: str) -> Document | None:
        """The living token document, or None. First use of a replacement ends its predecessor."""
        for document in self.state.find(self.shop, "token", "access_token", access_token):
            if document.get("expires_at", float("inf")) > time.time():
                if document.get("follows") is not None:
                    self._retire_predecessor(document)
                return document
        return None

    def revoke_all(self) -> None:
        """Uninstall: every code and token of the shop is dead at once."""
        with self.state.transaction():
            for kind in ("grant", "token"):
                for document in list(self.state.all(self.shop, kind)):
                    self.state.delete(self.shop, kind, document["id"])

    def _retire_predecessor(self, document: Document) -> None:
        """The replacement is in use: what it follows is gone, and it follows nothing any more."""
        if document.get("follows") is None:
            return
        with self.state.transaction():
            self.state.delete(self.shop, "token", document["follows"])
            document["follows"] = None
            self.state.put(self.shop, "token", document["id"], document)

    def _put(self, kind: str, document: Document) -> None:
        document["id"] = self.state.next_id(self.shop, kind)
        self.state.put(self.shop, kind, document["id"], document)


def id_token(client_id: str, client_secret: str, shop: str, *, user_id: int = 1, age: int = 0) -> str:
    """The ID token (session token) App Bridge sends: HS256 under the app's secret, good for a minute.

    `age` is how many seconds ago it was made, for tests of expired ones.
    """
    now = int(time.time()) - age
    claims = {
        "iss": f"https://{shop}/admin",
        "dest": f"https://{shop}",
        "aud": client_id,
        "sub": str(user_id),
        "exp": now + ID_TOKEN_SECONDS,
        "nbf": now,
        "iat": now,
        "jti": secrets.token_hex(16),
        "sid": secrets.token_hex(16),
    }
    signed = f"{_part({'alg': 'HS256', 'typ': 'JWT'})}.{_part(claims)}"
    return f"{signed}.{_encode(_signature(client_secret, signed))}"


def check_id_token(token: str, client_id: str, client_secret: str, shop: str) -> None:
    """Believes a subject token of a token exchange, or raises TokenRefused(invalid_subject_token)."""
    try:
        signed, signature = token.rsplit(".", 1)
        header, payload = (json.loads(_decode(part)) for part in signed.split("."))
        genuine = hmac.compare_digest(_decode(signature), _signature(client_secret, signed))
        sound = genuine and header["alg"] == "HS256" and payload["aud"] == client_id
        current = payload["nbf"] - LEEWAY_SECONDS <= time.time() <= payload["exp"] + LEEWAY_SECONDS
        ours = payload["dest"] == f"https://{shop}" and payload["iss"] == f"https://{shop}/admin"
    except (ValueError, KeyError, TypeError) as error:
        raise TokenRefused("invalid_subject_token", "The subject token is not an ID token") from error
    if not (sound and current and ours):
        raise TokenRefused("invalid_subject_token", "The ID token is forged, expired or for another app or shop")


def _signature(secret: str, text: str) -> bytes:
    return hmac.new(secret.encode(), text.encode(), sha256).digest()


def _part(content: dict[str, Any]) -> str:
    return _encode(json.dumps(content, separators=(",", ":")).encode())


def _encode(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


def _decode(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))
