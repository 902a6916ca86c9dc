"""Progress of anything long: a bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import math
import sys
import time

from tqdm import tqdm

SECONDS_BETWEEN_LINES = 15.0


class Progress:
    """Counts `total` units from `first` on, on stderr: rate, time left, and whatever else is worth showing."""

    def __init__(self, label: str, total: int, unit: str, first: int = 0):
        self.label, self.total, self.unit, self.first, self.done = label, total, unit, first, first
        self.began = self.last_line = time.monotonic()
        self.bar = tqdm(total=total, initial=first, desc=label, unit=unit) if sys.stderr.isatty() else None

    def update(self, count: int = 1, note: str = "") -> None:
        """Count `count` units more and show it; on plain output, not oftener than every quarter of a minute."""
        self.done += count
        if self.bar is not None:
            self.bar.set_postfix_str(note, refresh=False)
            self.bar.update(count)
            if self.done >= self.total:
                self.bar.close()
        elif self.done >= self.total or time.monotonic() - self.last_line >= SECONDS_BETWEEN_LINES:
            self._print_line(note)

    def _print_line(self, note: str) -> None:
        self.last_line = time.monotonic()
        rate = (self.done - self.first) / max(self.last_line - self.began, 1e-9)
        left = (self.total - self.done) / rate if rate else math.nan
        print(f"{self.label}: {self.unit} {self.done} of {self.total}{', ' if note else ''}{note}, {rate:.1f}/s, "
              f"{left:.0f} s left", file=sys.stderr, flush=True)
