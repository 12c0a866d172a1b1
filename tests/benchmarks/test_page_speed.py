"""The score that is made of a page's times agrees with Lighthouse's published control points."""

import pytest

from benchmarks.page_speed import Speed, curve, long_tasks


@pytest.mark.parametrize(
    ("value", "good", "half", "score"),
    [(1_800, 1_800, 3_000, 0.9), (3_000, 1_800, 3_000, 0.5), (0, 200, 600, 1.0), (0.25, 0.1, 0.25, 0.5)],
)
def test_a_curve_goes_through_its_two_points(value: float, good: float, half: float, score: float) -> None:
    assert curve(value, good, half) == pytest.approx(score)


def speed(**changed: float) -> Speed:
    times = {"first_paint": 0.0, "largest_paint": 0.0, "blocked": 0.0, "shifts": 0.0} | changed
    return Speed(**times, long_tasks=0, requests=(), bytes=0)


def test_a_page_that_takes_no_time_is_perfect_and_each_fault_weighs_as_published() -> None:
    assert speed().score == pytest.approx(100)
    assert speed(blocked=600).score == pytest.approx(100 - 30 / 2)
    assert speed(shifts=0.25).score == pytest.approx(100 - 25 / 2)
    # Half complete at nothing, complete at 4 s: the index is 2 s, which scores 0.99 of its ten points.
    assert speed(largest_paint=4_000).score == pytest.approx(100 - 25 / 2 - 10 * (1 - curve(2_000, 3_387, 5_800)))


def test_a_long_task_counts_when_one_of_the_scripts_began_in_it() -> None:
    events = [
        {"name": "RunTask", "ts": 0, "dur": 60_000},
        {"name": "RunTask", "ts": 100_000, "dur": 49_999},
        {"name": "RunTask", "ts": 200_000, "dur": 50_000},
        {"name": "Layout", "ts": 300_000, "dur": 90_000},
    ]
    assert long_tasks(events, []) == 0
    assert long_tasks(events, [(110_000, 112_000, 2_000), (310_000, 311_000, 1_000)]) == 0
    assert long_tasks(events, [(1_000, 2_000, 1_000), (3_000, 4_000, 1_000), (249_999, 260_000, 9_000)]) == 2
