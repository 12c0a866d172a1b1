"""Writes docs/coverage.md: each requirement in a few words, its state, and the tests that prove it (`make coverage`).

The words are kept in docs/requirements.toml. The proof is a marker on a test, a class or a module's `pytestmark`:
`@pytest.mark.requirement(94)`, or `@pytest.mark.requirement(12, partly=True)` where the test shows a part of it.
Markers are read from the source, so that the page can be made without running anything. A test of tests/house fails
while the page is not what this module would write.
"""

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tools.terminal import ROOT, closing

WORDS = ROOT / "docs" / "requirements.toml"
PAGE = ROOT / "docs" / "coverage.md"
TESTS = ROOT / "tests"

HEAD = """# What is covered

Made by `make coverage` from `docs/requirements.toml` and the tests that carry `@pytest.mark.requirement(number)`;
do not edit. *proven*: a test shows it; *partly*: tests show a part of it; *open*: no test shows it yet.

{proven} of {all} proven, {partly} partly, {open} open.
"""
TABLE = "\n## {title}\n\n| | what | state | where | proof |\n|---|---|---|---|---|\n"


class UnknownRequirement(Exception):
    """A test claims to prove a line that is not in docs/requirements.toml, or a marker is not a plain number."""


@dataclass(frozen=True)
class Proof:
    """One test that carries a marker: `place` is its file, `test` its name."""

    requirement: int
    partly: bool
    place: Path
    test: str

    @property
    def feature(self) -> str | None:
        """The package that the test's folder mirrors, if there is one."""
        parts = self.place.relative_to(TESTS).parts[:-1]
        for package in ("app", ""):
            folder = Path(package, *parts[:1])
            if parts and (ROOT / folder / "__init__.py").exists():
                return folder.as_posix()
        return None


def main() -> None:
    words = requirements()
    page = render(words, proofs())
    changed = not PAGE.exists() or PAGE.read_text() != page
    if changed:
        PAGE.write_text(page)
    sys.stdout.write(f"docs/coverage.md {'written' if changed else 'is up to date'}\n")


def requirements() -> dict[str, dict[int, str]]:
    """Section title → number → words."""
    sections = tomllib.loads(WORDS.read_text())
    return {title: {int(number): words for number, words in lines.items()} for title, lines in sections.items()}


def proofs() -> list[Proof]:
    """All markers under tests/, in a stable order."""
    return [proof for path in sorted(TESTS.rglob("test_*.py")) for proof in proofs_of(path)]


def proofs_of(path: Path) -> Iterator[Proof]:
    tree = ast.parse(path.read_text(encoding="utf-8"), filename=str(path))
    for statement in tree.body:
        if isinstance(statement, ast.Assign) and ast.unparse(statement.targets[0]) == "pytestmark":
            yield from read(statement.value, path, path.stem)
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            for decorator in node.decorator_list:
                yield from read(decorator, path, node.name)


def read(expression: ast.expr, path: Path, test: str) -> Iterator[Proof]:
    """The markers in a decorator, or in the list given to `pytestmark`."""
    for call in ast.walk(expression):
        if isinstance(call, ast.Call) and ast.unparse(call.func) == "pytest.mark.requirement":
            partly = any(keyword.arg == "partly" for keyword in call.keywords)
            for argument in call.args:
                if not isinstance(argument, ast.Constant) or not isinstance(argument.value, int):
                    raise UnknownRequirement(f"{path}:{call.lineno}: {ast.unparse(call)} needs a plain number")
                yield Proof(argument.value, partly, path, test)


def render(words: dict[str, dict[int, str]], found: list[Proof]) -> str:
    by_number: dict[int, list[Proof]] = {number: [] for lines in words.values() for number in lines}
    for proof in found:
        if proof.requirement not in by_number:
            raise UnknownRequirement(f"{proof.place} {proof.test}: there is no requirement {proof.requirement}")
        by_number[proof.requirement].append(proof)
    states = [state(some) for some in by_number.values()]
    counts = {name: states.count(name) for name in ("proven", "partly", "open")}
    text = HEAD.format(all=len(states), **counts)
    for title, lines in words.items():
        text += TABLE.format(title=title)
        text += "".join(row(number, phrase, by_number[number]) for number, phrase in lines.items())
    return text


def state(found: list[Proof]) -> str:
    if not found:
        return "open"
    return "partly" if all(proof.partly for proof in found) else "proven"


def row(number: int, phrase: str, found: list[Proof]) -> str:
    features = ", ".join(dict.fromkeys(f"`{proof.feature}`" for proof in found if proof.feature))
    tests = "<br>".join(dict.fromkeys(f"[{spoken(p.test)}](../{p.place.relative_to(ROOT).as_posix()})" for p in found))
    return f"| R{number} | {phrase} | {state(found)} | {features} | {tests} |\n"


def spoken(name: str) -> str:
    """test_points_come_back → points come back"""
    return re.sub(r"^(test_|Test)", "", name).replace("_", " ")


if __name__ == "__main__":
    closing(main)
