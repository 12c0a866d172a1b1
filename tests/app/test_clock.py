"""One clock, and in development one offset for all processes of a home."""

import subprocess
import sys
from datetime import UTC, timedelta
from pathlib import Path

from app import clock

ONE_SECOND = timedelta(seconds=1)


def test_business_time_is_the_machines_without_an_offset() -> None:
    assert abs(clock.now() - clock.wall_now()) < ONE_SECOND
    assert clock.now().tzinfo is UTC


def test_every_process_of_a_home_follows_its_offset(tmp_path: Path) -> None:
    clock.set_offset(tmp_path, timedelta(days=200))
    try:
        clock.use_offset_of(tmp_path)
        assert abs(clock.now() - clock.wall_now() - timedelta(days=200)) < ONE_SECOND
        asked = f"from app import clock; from pathlib import Path; clock.use_offset_of(Path({str(tmp_path)!r}));"
        asked += "print((clock.now() - clock.wall_now()).days)"
        other = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True)
        assert other.stdout.strip() in {"199", "200"}
        clock.set_offset(tmp_path, timedelta(days=-1))
        assert clock.now() < clock.wall_now()
    finally:
        clock.use_offset_of(None)
