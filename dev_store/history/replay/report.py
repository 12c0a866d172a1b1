"""What a file held and what of it could not be replayed, in numbers. Filled by the readers, printed by `app.demo`."""

from collections import Counter
from dataclasses import dataclass, field


@dataclass(slots=True)
class Report:
    """Counts under the sentence that explains them, in the order in which they first appeared."""

    counts: Counter[str] = field(default_factory=Counter)

    def count(self, what: str, number: int = 1) -> None:
        if number:
            self.counts[what] += number

    def lines(self) -> list[str]:
        return [f"{what}: {number:,}" for what, number in self.counts.items()]
