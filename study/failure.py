"""Why a run failed, noted in its folder, so that a status can say it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from datasets.files import write_json
from study.layout import RunFolder


@contextmanager
def noted(run: RunFolder) -> Iterator[None]:
    """Within the block a run is begun: an earlier failure is forgotten, and one that ends the block is noted."""
    run.failure.unlink(missing_ok=True)
    try:
        yield
    except Exception as error:
        note(run, str(error) or type(error).__name__)
        raise


def note(run: RunFolder, error: str, tries: int = 1) -> None:
    """Note why a run failed, and after how many tries."""
    write_json(run.failure, {"error": " ".join(error.split())[:600], "tries": tries})
