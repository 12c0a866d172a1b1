"""The server lives exactly as long as any process of its home uses it, whatever gets killed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.postgres.conftest import (
    User,
    answers,
    keeper_of,
    kill,
    postmaster_of,
    processes_of,
    server_of,
    starts,
    wait_until,
)

Use = Callable[..., User]


def test_five_users_at_once_start_one_server(home: Path, use: Use) -> None:
    users = [use(home) for _ in range(5)]
    urls = {user.line() for user in users}
    assert len(urls) == 1
    assert answers(urls.pop())
    assert starts(home) == 1


def test_the_server_ends_after_the_last_user_ends(home: Path, use: Use) -> None:
    first, second = use(home), use(home)
    url = first.line()
    second.line()
    first.end()
    assert answers(url)
    second.end()
    wait_until(lambda: not processes_of(home))


def test_the_server_ends_when_its_users_are_killed(home: Path, use: Use) -> None:
    user = use(home)
    assert answers(user.line())
    user.end(kill=True)
    wait_until(lambda: not processes_of(home))


def test_a_forked_child_keeps_the_server_after_its_parent_was_killed(home: Path, use: Use) -> None:
    user = use(home, "fork")
    url, child = user.line(), int(user.line())
    kill(user.process.pid)
    user.process.wait()
    with pytest.raises(AssertionError):
        wait_until(lambda: not processes_of(home), seconds=0.8)
    assert answers(url)
    kill(child)
    wait_until(lambda: not answers(url))


def test_a_server_whose_keeper_was_killed_is_adopted(home: Path, use: Use) -> None:
    user = use(home)
    url = user.line()
    postmaster, keeper = postmaster_of(home), keeper_of(home)
    kill(keeper)
    assert user.use_again() == url
    assert postmaster_of(home) == postmaster
    assert keeper_of(home) != keeper
    user.end(kill=True)
    wait_until(lambda: not processes_of(home))


def test_a_killed_postmaster_comes_back_while_it_is_used(home: Path, use: Use) -> None:
    user = use(home)
    url = user.line()
    kill(postmaster_of(home))
    wait_until(lambda: not answers(url))
    wait_until(lambda: answers(url))


def test_after_keeper_and_postmaster_were_killed_the_next_use_starts_a_server(home: Path, use: Use) -> None:
    user = use(home)
    url = user.line()
    kill(keeper_of(home))
    kill(postmaster_of(home))
    assert user.use_again() == url
    assert answers(url)


def test_a_server_can_be_stopped_while_it_is_used_and_starts_at_the_next_use(home: Path, use: Use) -> None:
    user = use(home)
    url = user.line()
    server = server_of(home)
    assert server.in_use()
    assert server.stop()
    assert not processes_of(home)
    assert not server.stop()
    assert answers(user.use_again())
    assert url == user.use_again()


def test_a_server_without_keeper_can_be_stopped(home: Path, use: Use) -> None:
    user = use(home)
    user.line()
    kill(keeper_of(home))
    user.end(kill=True)
    server = server_of(home)
    assert not server.in_use()
    assert server.stop()
    assert not processes_of(home)


def test_a_first_start_that_was_killed_half_way_is_no_obstacle(tmp_path: Path, use: Use) -> None:
    half = tmp_path / "postgres" / "data.unfinished" / "base"
    half.mkdir(parents=True)
    assert answers(use(tmp_path).line())


@pytest.mark.parametrize("content", ["{living}\nnonsense\n", "nonsense", ""])
def test_a_stale_or_broken_pid_file_is_no_obstacle(home: Path, use: Use, content: str) -> None:
    user = use(home)
    url = user.line()
    kill(keeper_of(home))
    kill(postmaster_of(home))
    wait_until(lambda: not answers(url))
    (home / "postgres/data/postmaster.pid").write_text(content.format(living=user.process.pid))
    user.use_again()
    assert answers(url)
