"""The operations about merging customers and about imports; `table.py` joins them to the others."""

from app.api import imports, merges
from app.api.merge_schemas import FILE, HOW, import_of, pair
from app.api.operation import Operation
from app.api.parameters import PAGE

LARGEST_FILE = 8 << 20
_LARGEST = "The body may have 8 MiB; a larger file goes through `perennial balances import`, or in parts."

MERGE_OPERATIONS = (
    Operation(
        "GET",
        "/merge-offers",
        merges.list_merge_offers,
        "Customers who may be one person",
        {200: "MergeOfferPage"},
        "Nothing is merged without being accepted: POST /merges.",
        query=PAGE,
    ),
    Operation(
        "POST",
        "/merge-offers/dismiss",
        merges.dismiss_merge_offer,
        "Say that two customers are two persons",
        {200: "Dismissal"},
        body=pair("one", "other"),
        refusals=(404,),
    ),
    Operation("GET", "/merges", merges.list_merges, "Merges, newest first", {200: "MergePage"}, query=PAGE),
    Operation(
        "POST",
        "/merges",
        merges.create_merge,
        "Accept an offer: one customer's account takes over the other's",
        {201: "Merge"},
        body=pair("kept", "absorbed"),
        refusals=(404,),
    ),
    Operation(
        "DELETE",
        "/merges/{merge_id}",
        merges.undo_merge,
        "Part two accounts again: both are what they would be without the merge",
        {200: "Merge"},
        refusals=(404,),
    ),
    Operation("GET", "/imports", imports.list_imports, "Imports of balances", {200: "ImportPage"}, query=PAGE),
    Operation(
        "POST",
        "/imports",
        imports.create_import,
        "Bring balances in from a CSV file",
        {202: "Import"},
        "All rows or, where one is wrong, none (`rows` of the refusal name line and column). Posted in the "
        f"background, and customers are told nothing. {_LARGEST}",
        body=import_of(FILE | HOW),
        largest_body=LARGEST_FILE,
    ),
    Operation(
        "POST",
        "/imports/preview",
        imports.preview_import,
        "What a CSV file would bring; nothing is written",
        {200: "ImportPreview"},
        _LARGEST,
        body=import_of(FILE),
        largest_body=LARGEST_FILE,
    ),
    Operation(
        "GET",
        "/imports/{import_id}",
        imports.get_import,
        "An import, and what an undo could not take back",
        {200: "ImportDetails"},
        refusals=(404,),
    ),
    Operation(
        "POST",
        "/imports/{import_id}/undo",
        imports.undo_import,
        "Take an import back",
        {202: "Import"},
        "In the background; look again for `state`.",
        refusals=(404,),
    ),
)
