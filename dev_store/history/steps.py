"""A history is a list of steps in time order; a step is one verb of the development store's commerce.

Generators and readers of files make steps as pure data, before any shop exists. So a step names the customers and
orders it speaks of by names of its own ("c17", "o1042") and an order's lines by their position;
`dev_store.history.running` puts the real ids in their place when it lives through the history.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

REDEEM = "redeem"
"""No verb of the shop: members (argument `customers`) turn points into codes in the app."""

SIGN_UP = "sign_up"
"""No verb of the shop either: a visitor (argument `email`) signs up at the app's popup and is shown a code."""

WITH_CODE = "with_code"
"""Argument of `place_order`: whose unused code, if there is one, is entered at this checkout: a member's by name, a
visitor's by the address that signed up."""

BROUGHT_BY = "brought_by"
"""Argument of `place_order`: the member (a name) whose link the buyer followed."""


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that happens in a shop at an instant (aware, UTC). `makes` is the name given to what it creates."""

    at: datetime
    verb: str
    args: Mapping[str, Any] = field(default_factory=dict)
    makes: str | None = None


def in_time_order(steps: list[Step]) -> list[Step]:
    """Sorted by instant; steps of one instant keep the order in which they were made."""
    return sorted(steps, key=lambda step: step.at)
