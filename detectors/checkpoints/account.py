"""What became of every variable, of the checkpoint and of the detector, when one was loaded into the other."""

from __future__ import annotations

import csv
import io
from collections import Counter
from dataclasses import dataclass
from typing import Literal

from datasets.listing import list_names

LISTED = 10  # classes in one line

Fate = Literal["restored", "carried", "re-initialised", "ignored"]
FATES: tuple[Fate, ...] = ("restored", "carried", "re-initialised", "ignored")


@dataclass(frozen=True)
class Row:
    """One variable. Those that nobody asked for are of the checkpoint only, and ignored."""

    variable: str
    fate: Fate
    reason: str = ""


@dataclass(frozen=True)
class RestoreReport:
    """Every variable of both sides. `labels` has each class with the Open Images label it was carried over from,
    empty where it has none; it is empty itself where no class was carried over."""

    rows: tuple[Row, ...]
    labels: tuple[tuple[str, str], ...] = ()

    def names(self, fate: Fate) -> tuple[str, ...]:
        """Return the variables of one fate."""
        return tuple(row.variable for row in self.rows if row.fate == fate)

    def __str__(self) -> str:
        """Return the counts, each with its reasons, on one line."""
        counts = {fate: len(self.names(fate)) for fate in FATES}
        parts = [f"{count:,} variable{'s' * (count != 1)} {fate}{self._reasons(fate)}"
                 for fate, count in counts.items() if count or fate == "restored"]
        if self.labels:
            known = [f"{name} ({label})" for name, label in self.labels if label]
            parts.append(f"Open Images knows {len(known)} of {len(self.labels)} class{'es' * (len(self.labels) != 1)}"
                         + f": {list_names(known, LISTED)}" * bool(known))
        return "; ".join(parts)

    def to_csv(self) -> str:
        """Return a table of what (variable or class), name, fate and reason."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(("what", "name", "fate", "reason"))
        writer.writerows(("variable", row.variable, row.fate, row.reason) for row in self.rows)
        writer.writerows(("class", name, "carried" if label else "re-initialised",
                          f"Open Images label {label}" if label else "no such Open Images label")
                         for name, label in self.labels)
        return text.getvalue()

    def _reasons(self, fate: Fate) -> str:
        """Return how often each reason occurs; shapes differ in one way only."""
        counts = Counter(row.reason.partition(" [")[0] for row in self.rows if row.fate == fate and row.reason)
        return f" ({', '.join(f'{reason}: {count:,}' for reason, count in counts.most_common())})" if counts else ""
