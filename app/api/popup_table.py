"""The operations about popups; `table.py` joins them to the others."""

from app.api import popups
from app.api.operation import Operation
from app.api.parameters import PAGE
from app.api.popup_schemas import POPUP_CHANGE, POPUP_REQUEST

POPUP_OPERATIONS = (
    Operation("GET", "/popups", popups.list_popups, "The shop's popups", {200: "PopupPage"}, query=PAGE),
    Operation(
        "POST",
        "/popups",
        popups.create_popup,
        "Make a popup, switched off, with a pool of codes of its own",
        {201: "Popup"},
        "Its codes are made at Shopify in the background. Every field that cannot be right is named at once.",
        body=POPUP_REQUEST,
    ),
    Operation(
        "GET",
        "/popups/{popup_id}",
        popups.get_popup,
        "A popup, and what came of it",
        {200: "Popup"},
        refusals=(404,),
    ),
    Operation(
        "PATCH",
        "/popups/{popup_id}",
        popups.change_popup,
        "Change a popup, or switch it on or off",
        {200: "Popup"},
        "The storefront has it some seconds later. What it offers is final: make another.",
        body=POPUP_CHANGE,
        refusals=(404,),
    ),
)
