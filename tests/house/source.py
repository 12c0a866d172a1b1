"""The files that git knows and their syntax trees, for the house rules of this folder."""

import ast
import subprocess
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


@cache
def tracked() -> list[Path]:
    """Every file of the commit that is also on disk."""
    listing = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout.decode()
    return [path for name in listing.split("\0") if name and (path := ROOT / name).is_file()]


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def python_files(*folders: str) -> list[Path]:
    """Tracked Python files, all of them or those under the given top folders."""
    found = [path for path in tracked() if path.suffix == ".py"]
    return [path for path in found if not folders or path.relative_to(ROOT).parts[0] in folders]


def where(path: Path, node: ast.expr | ast.stmt | None = None) -> str:
    line = f":{node.lineno}" if node is not None else ""
    return f"{path.relative_to(ROOT).as_posix()}{line}"


def imported_names(path: Path) -> list[tuple[ast.stmt, str]]:
    """(statement, dotted name) of everything a file imports, `from a import b` as a.b."""
    names: list[tuple[ast.stmt, str]] = []
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            names += [(node, alias.name) for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names += [(node, f"{node.module}.{alias.name}") for alias in node.names]
    return names
