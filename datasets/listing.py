"""Names from a file as text for people: printable, and not more than one can read."""

from __future__ import annotations

from collections.abc import Sequence

LONGEST = 60  # characters of a name


def list_names(names: Sequence[str], most: int = 12) -> str:
    """Return the first `most` names with commas between, and how many more there are."""
    shown = ", ".join(printable(name) for name in names[:most])
    return shown + (f" and {len(names) - most:,} more" if len(names) > most else "")


def printable(name: str) -> str:
    """Return a name without control characters, cut where it is endless."""
    text = "".join(c if c.isprintable() else "?" for c in name[:LONGEST + 1])
    return text if len(text) <= LONGEST else text[:LONGEST - 1] + "…"
