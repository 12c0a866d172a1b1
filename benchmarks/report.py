"""What a benchmark says in the end: a table for people, then one line of JSON for machines."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

Figure = float | int | str


@dataclass(frozen=True)
class Wanted:
    """A bound that a figure has to keep; one of the two is given."""

    at_least: float | None = None
    at_most: float | None = None

    def kept_by(self, figure: Figure | None) -> bool:
        """Whether the figure was measured and lies within the bound."""
        if not isinstance(figure, int | float):
            return False
        return (self.at_least is None or figure >= self.at_least) and (self.at_most is None or figure <= self.at_most)

    def stated(self) -> dict[str, float]:
        return {name: bound for name, bound in self.__dict__.items() if bound is not None}


def conclude(
    name: str, figures: Mapping[str, Figure], wanted: Mapping[str, Wanted], limited_by: str, *, failures: int = 0
) -> int:
    """Print the verdict and the JSON line; returns the exit code. `failures` are answers other than 200."""
    kept = {figure: bound.kept_by(figures.get(figure)) for figure, bound in wanted.items()}
    print()
    for figure, bound in wanted.items():
        sign, value = ("≥", bound.at_least) if bound.at_least is not None else ("≤", bound.at_most)
        print(f"  {'kept  ' if kept[figure] else 'MISSED'} {figure} {sign} {value}: {figures.get(figure)}")
    print(f"  limited by {limited_by}")
    ok = all(kept.values()) and failures == 0
    line = {
        "name": name,
        "figures": {**figures, "failures": failures},
        "wanted": {figure: bound.stated() for figure, bound in wanted.items()},
        "ok": ok,
        "limited_by": limited_by,
    }
    print(json.dumps(line, ensure_ascii=False))
    return 0 if ok else 1


def table(header: Sequence[str], rows: Iterable[Sequence[Figure]]) -> None:
    """Print rows in columns; numbers stand to the right."""
    texts = [list(header), *([_shown(cell) for cell in row] for row in rows)]
    widths = [max(len(row[column]) for row in texts) for column in range(len(header))]
    print()
    for row in texts:
        first, *rest = (
            cell.rjust(width) if n else cell.ljust(width)
            for n, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        print("  " + "  ".join([first, *rest]), flush=True)


def _shown(cell: Figure) -> str:
    if isinstance(cell, float):
        return f"{cell:,.0f}" if abs(cell) >= 100 else f"{cell:.3g}"
    return f"{cell:,}" if isinstance(cell, int) else cell


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that `share` of all do not exceed; 0 of nothing."""
    ordered = sorted(values)
    return ordered[min(int(len(ordered) * share), len(ordered) - 1)] if ordered else 0.0
