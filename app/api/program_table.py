"""The operations about programs, rule versions, previews, history and rewards; `table.py` joins them to the others."""

from app.api import program_schemas as shapes
from app.api import programs, rewards, standing
from app.api.operation import Operation, Parameter
from app.api.parameters import PAGE

_BY = {"type": "string", "enum": ["recorded", "business"]}

PROGRAM_OPERATIONS = (
    Operation(
        "GET",
        "/liability",
        standing.get_liability,
        "What the program owes its members, now or at an earlier instant",
        {200: "Liability"},
        query=(
            Parameter("at", "An earlier instant; now without it.", {"type": "string", "maxLength": 40}),
            Parameter(
                "by",
                "recorded: what the books said then; business: what is known today to have been so.",
                {**_BY, "default": "recorded"},
            ),
        ),
        refusals=(422,),
    ),
    Operation(
        "GET",
        "/liability/schedule",
        standing.get_schedule,
        "Points issued, taken back, redeemed, returned and expired by month",
        {200: "Schedule"},
        "Months are those of the shop's time zone.",
        query=(
            Parameter(
                "from", "The first month, such as 2026-01.", {"type": "string", "pattern": "^[0-9]{4}-[0-9]{2}$"}
            ),
            Parameter(
                "months",
                "How many.",
                {"type": "integer", "minimum": 1, "maximum": standing.MOST_MONTHS, "default": 12},
            ),
            Parameter("by", "As for the liability.", {**_BY, "default": "business"}),
        ),
    ),
    Operation("GET", "/programs", programs.list_programs, "The shop's programs", {200: "ProgramPage"}, query=PAGE),
    Operation(
        "GET",
        "/programs/{program_id}",
        programs.get_program,
        "A program with the rules in force, in plain words too",
        {200: "Program"},
        refusals=(404,),
    ),
    Operation(
        "PATCH",
        "/programs/{program_id}",
        programs.change_program,
        "Change a program's name, start, end or what becomes of points after refunds",
        {200: "Program"},
        "What was earned stays: once points were earned, start and end move only between instants that lie ahead.",
        body=shapes.PROGRAM_CHANGE,
        refusals=(404,),
    ),
    Operation(
        "GET",
        "/programs/{program_id}/versions",
        programs.list_versions,
        "All rule versions of a program, newest first",
        {200: "RuleVersionPage"},
        query=PAGE,
        refusals=(404,),
    ),
    Operation(
        "POST",
        "/programs/{program_id}/versions",
        programs.create_version,
        "New rules, from now or a later instant on",
        {201: "RuleVersion"},
        "Versions are never changed, and each begins later than the one before. Every field that cannot be right is "
        "named at once.",
        body=shapes.VERSION_REQUEST,
        refusals=(404,),
    ),
    Operation(
        "POST",
        "/programs/{program_id}/preview",
        programs.create_preview,
        "Who would gain and lose how much under other rules",
        {200: "Preview", 202: "Preview"},
        "Draft rules over a past period, beside the live ones. 202: large shops take a while, ask again by the id.",
        body=shapes.PREVIEW_REQUEST,
        refusals=(404,),
    ),
    Operation(
        "GET",
        "/programs/{program_id}/preview/{preview_id}",
        programs.get_preview,
        "A preview that was asked for",
        {200: "Preview", 202: "Preview"},
        refusals=(404,),
    ),
    Operation(
        "GET",
        "/programs/{program_id}/history",
        programs.get_history,
        "What imported orders would be worth",
        {200: "History", 202: "History"},
        "202: large shops take a while, ask the same again.",
        query=(
            Parameter(
                "from", "Only orders from this instant on.", {"type": "string", "format": "date-time", "maxLength": 40}
            ),
        ),
        refusals=(404,),
    ),
    Operation(
        "POST",
        "/programs/{program_id}/history",
        programs.choose_history,
        "Choose from when on imported orders count",
        {202: "Program"},
        "Once: imported orders earn nothing before. Their points follow in the background.",
        body=shapes.HISTORY_REQUEST,
        refusals=(404,),
    ),
    Operation(
        "GET",
        "/rewards",
        rewards.list_rewards,
        "What points buy",
        {200: "RewardPage"},
        query=(
            *PAGE,
            Parameter(
                "state",
                "Rewards on offer, unless it is given.",
                {"type": "string", "enum": ["offered", "stopped", "all"], "default": "offered"},
            ),
        ),
    ),
    Operation(
        "POST",
        "/rewards",
        rewards.create_reward,
        "Offer an amount off for points",
        {201: "Reward"},
        body=shapes.REWARD_REQUEST,
        refusals=(404,),
    ),
    Operation(
        "PATCH",
        "/rewards/{reward_id}",
        rewards.change_reward,
        "Change a reward's title or price, or stop it",
        {200: "Reward"},
        "What it takes off is final: stop it and offer another. Codes that were issued stay as they are.",
        body=shapes.REWARD_CHANGE,
        refusals=(404,),
    ),
)
