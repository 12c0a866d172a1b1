"""README and docs/operations.md name what exists, and all of what an operator has to know exists in them."""

import re
from pathlib import Path

import click
import pytest
from prometheus_client.metrics import MetricWrapperBase

from app import cli, metrics
from tests.house.source import ROOT

README = ROOT / "README.md"
OPERATIONS = ROOT / "docs" / "operations.md"
PAGES = sorted([README, *(ROOT / "docs").glob("*.md")])


def commands(group: click.Group, before: str = "") -> dict[str, click.Command]:
    """All commands by their full names, as `db stop`."""
    found: dict[str, click.Command] = {}
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            found |= commands(command, f"{before}{name} ")
        else:
            found[before + name] = command
    return found


def code(page: Path) -> list[str]:
    """What stands in code: between back-ticks, and in indented blocks."""
    text = page.read_text()
    return [*re.findall(r"`([^`\n]+)`", text), *re.findall(r"^    +(.+)$", text, flags=re.MULTILINE)]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_named_exists(page: Path) -> None:
    """`perennial db stop` and the like, whatever stands before or after it."""
    known = commands(cli.cli)
    named = [found for part in code(page) for found in re.findall(r"(?:^|[/ ])perennial ((?:[a-z-]+ ?)+)", part)]
    assert [words for words in named if not any(f"{words} ".startswith(f"{command} ") for command in known)] == []


def test_every_command_is_explained_to_operators() -> None:
    text = OPERATIONS.read_text() + README.read_text()
    unexplained = {name for name in commands(cli.cli) if f"perennial {name}" not in text}
    assert unexplained <= {"demo", "serve", "web", "worker"}
    assert all(f"`{word}`" in text or f"make {word}" in text for word in unexplained)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_make_target_named_exists(page: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE))
    named = {found for part in code(page) for found in re.findall(r"(?:^|&& )make ([a-z-]+)", part)}
    assert named - targets == set()


def test_every_setting_is_explained() -> None:
    names = set(re.findall(r'environ\.get\("(\w+)"', (ROOT / "app" / "config.py").read_text()))
    assert names
    assert {name for name in names if f"`{name}`" not in OPERATIONS.read_text()} == set()


def test_every_metric_is_explained() -> None:
    ours = [value for value in vars(metrics).values() if isinstance(value, MetricWrapperBase)]
    names = [family.name for metric in ours for family in metric.describe()]
    assert names
    assert [name for name in names if name not in OPERATIONS.read_text()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text())
    assert [link for link in links if not link.startswith("http") and not (page.parent / link).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_within_a_page_find_their_heading(page: Path) -> None:
    text = page.read_text()
    headings = re.findall(r"^#+ (.+)$", text, flags=re.MULTILINE)
    anchors = {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}
    assert set(re.findall(r"\]\(#([^)]+)\)", text)) - anchors == set()
