"""Where an order came from, as far as its body tells: a friend's code, and a digest of where the goods go.

Pure; called by `app.orders.payload`. All of it was written by strangers, so what cannot be a code is no code, and
nothing here refuses an order.
"""

import hashlib
import re
from typing import Any
from urllib.parse import parse_qsl

from app.payload import Body

# The attribute that the theme app extension writes into the cart, and the parameter of a member's link.
ATTRIBUTE, PARAMETER = "_ref", "ref"
_CODE = re.compile(r"[A-Za-z0-9_-]{1,40}", re.ASCII)
_PARTS = ("country_code", "zip", "city", "address1", "address2")


def code(written: object) -> str | None:
    """A member's code as somebody's link or cart has it, in upper case; None for what no code can be."""
    return written.upper() if isinstance(written, str) and _CODE.fullmatch(written) else None


def code_in(address: str | None) -> str | None:
    """The code in the query of a page's address, whole or from its path on; None without one."""
    if address is None or f"{PARAMETER}=" not in address:
        return None
    try:
        pairs = parse_qsl(address.partition("#")[0].partition("?")[2], max_num_fields=100)
    except ValueError:
        return None
    return next((found for name, value in pairs if name == PARAMETER and (found := code(value))), None)


def cart_ref(body: Body) -> str | None:
    """The code that the storefront kept in the cart."""
    attributes = body.get("note_attributes")
    if not attributes or not isinstance(attributes, list):
        return None
    named: list[dict[str, Any]] = [one for one in attributes if isinstance(one, dict) and one.get("name") == ATTRIBUTE]
    return next((found for one in named if (found := code(one.get("value")))), None)


def address_digest(body: Body) -> str | None:
    """A digest of where the goods go, without the name and whatever way it is spelled; None where nothing is sent.

    It is compared with those of the same shop only, and erased with the person.
    """
    address = body.get("shipping_address")
    if not isinstance(address, dict) or not address.get("address1"):
        return None
    told = ("".join(filter(str.isalnum, str(address.get(name) or ""))).casefold() for name in _PARTS)
    return hashlib.sha256("\n".join(told).encode("utf-8", "surrogatepass")).hexdigest()[:32]
