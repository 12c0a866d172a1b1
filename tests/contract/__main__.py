"""`python -m tests.contract FOLDER`: holds the development store against recordings of the real Admin API.

Prints a table by recording, what was not asked and why, and every difference. Exit code 0 when all that was asked
agrees, 1 when something does not, 2 when there is no folder, no recording in it, or nothing it could ask.
"""

import sys
from collections import Counter
from pathlib import Path

from tests.contract.recordings import UnreadableRecording, load
from tests.contract.replay import Replay, Tally
from tests.contract.versions import DIFFERENCES, SERVED


def main(arguments: list[str]) -> int:
    if len(arguments) != 1 or not Path(arguments[0]).is_dir():
        sys.stderr.write("usage: make contract RECORDINGS=folder-of-recordings (a folder that exists)" + "\n")
        return 2
    folder = Path(arguments[0])
    try:
        recordings = load(folder)
    except UnreadableRecording as error:
        sys.stderr.write(f"{error}\n")
        return 2
    tallies = {recording.path.relative_to(folder): Replay(recording).run() for recording in recordings}
    if not tallies:
        sys.stderr.write(f"there is no recording (*.json) below {folder}" + "\n")
        return 2
    _print_table(tallies)
    _print_reasons(tallies)
    _print_differences(tallies)
    asked = sum(tally.asked for tally in tallies.values())
    if not asked:
        sys.stderr.write(f"nothing below {folder} could be asked" + "\n")
        return 2
    return 1 if any(tally.disagreed for tally in tallies.values()) else 0


def _print_table(tallies: dict[Path, Tally]) -> None:
    _say(f"{'recording':<72}{'asked':>6}{'agree':>6}{'not asked':>11}")
    for path, tally in tallies.items():
        _say(f"{path!s:<72}{tally.asked:>6}{tally.agreed:>6}{len(tally.not_asked):>11}")
    agreeing = sum(1 for tally in tallies.values() if tally.asked and not tally.disagreed)
    files = sum(1 for tally in tallies.values() if tally.asked)
    asked, agreed = (sum(getattr(tally, name) for tally in tallies.values()) for name in ("asked", "agreed"))
    costs = [pair for tally in tallies.values() for pair in tally.costs]
    same = sum(1 for recorded, ours in costs if recorded == ours)
    _say(f"\n{agreeing} of {files} recordings that could be asked agree; {agreed} of {asked} answers.")
    _say(f"Requested cost is the same for {same} of {len(costs)} texts sent as recorded.")
    unasked = [path for path, tally in tallies.items() if not tally.asked]
    _say(f"{len(unasked)} recordings are about things that are not served here: {', '.join(map(str, unasked)) or '-'}")


def _print_reasons(tallies: dict[Path, Tally]) -> None:
    reasons = Counter(reason for tally in tallies.values() for reason in tally.not_asked.values())
    _say("\nNot asked, and why:")
    for reason, times in reasons.most_common():
        _say(f"{times:>5}  {reason}")
    _say(f"\nRecorded versions are 2025-01 and 2026-04; served is {SERVED}. Known differences:")
    for recorded, now in DIFFERENCES:
        _say(f"  {recorded}: {now}")


def _print_differences(tallies: dict[Path, Tally]) -> None:
    for path, tally in tallies.items():
        for step, found in tally.disagreed.items():
            _say(f"\n{path} {step}")
            for difference in found:
                _say(f"    {difference}")


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
