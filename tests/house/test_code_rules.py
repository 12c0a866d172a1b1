"""Rules of this house that no linter knows. Each failure names the file and the line."""

import ast
from pathlib import Path

from tests.house.source import ROOT, imported_names, python_files, tree, where

MAX_FILE_LINES = 350
MAX_FUNCTION_LINES = 60

# What builds SQL. Session, engine errors and types may be named anywhere.
SQL_BUILDERS = {"select", "insert", "update", "delete", "text", "func", "exists", "union", "union_all"}
WALL_CLOCKS = {"datetime.now", "datetime.utcnow", "datetime.today", "date.today", "time.time"}
CLOCK_MODULES = {"app/clock.py", "dev_store/clock.py"}
# Modules named so collect what has no home; name the thing instead.
NAMES_WITHOUT_MEANING = {"utils", "util", "helpers", "helper", "misc", "common", "manager", "managers"}


def without_sql(path: Path) -> bool:
    """Routes and jobs of a feature, and the folders that are all routes."""
    parts = path.relative_to(ROOT).parts
    if parts[0] not in {"app", "webhooks"} or len(parts) < 2:
        return False
    edge = path.stem in {"routes", "jobs"} and parts != ("app", "jobs.py")
    return edge or (parts[1] in {"api", "admin"} and path.stem not in {"models", "queries", "service"})


def test_sql_lives_in_models_services_and_queries_only() -> None:
    offences = [
        f"{where(path, node)} imports {name}"
        for path in filter(without_sql, python_files())
        for node, name in imported_names(path)
        if name.startswith("sqlalchemy.") and name.rsplit(".", 1)[1] in SQL_BUILDERS
    ]
    assert offences == []


def test_only_the_shopify_package_speaks_http_to_the_outside() -> None:
    offences = [
        where(path, node)
        for path in python_files("app", "webhooks")
        if path.relative_to(ROOT).parts[:2] != ("app", "shopify")
        for node, name in imported_names(path)
        if name.split(".")[0] == "requests"
    ]
    assert offences == []


def test_the_time_of_day_is_read_in_the_clock_modules_only() -> None:
    offences = [
        f"{where(path, node)} {called}"
        for path in python_files("app", "webhooks", "dev_store")
        if where(path) not in CLOCK_MODULES
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Call) and (called := ast.unparse(node.func)).removeprefix("datetime.") in WALL_CLOCKS
        if not (path.is_relative_to(ROOT / "dev_store") and called == "time.time")  # token expiry: the machine's clock
    ]
    assert offences == []


def test_no_sql_asks_the_database_for_the_time() -> None:
    offences = [
        where(path, node)
        for path in python_files("app", "webhooks")
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Call)
        and ast.unparse(node.func) in {"func.now", "sa.func.now", "func.current_timestamp"}
    ]
    assert offences == []


def test_files_stay_short_enough_to_read_in_one_go() -> None:
    lengths = {where(path): len(path.read_text().splitlines()) for path in python_files()}
    assert {name: lines for name, lines in lengths.items() if lines > MAX_FILE_LINES} == {}


def test_functions_stay_short_enough_to_see_whole() -> None:
    offences = [
        f"{where(path, node)} {node.name}: {node.end_lineno - node.lineno + 1} lines"
        for path in python_files()
        if "migrations/versions" not in path.as_posix()
        for node in ast.walk(tree(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.end_lineno is not None
        and node.end_lineno - node.lineno + 1 > MAX_FUNCTION_LINES
    ]
    assert offences == []


def test_every_module_is_named_after_what_it_holds() -> None:
    assert [where(path) for path in python_files() if path.stem in NAMES_WITHOUT_MEANING] == []


def test_every_module_says_what_lives_in_it() -> None:
    silent = [where(path) for path in python_files() if path.read_text().strip() and not ast.get_docstring(tree(path))]
    assert silent == []
