"""Where a study's results come from, said once where all runs agree."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

WATT_HOUR = 3600  # joules


def provenance_rows(results: Sequence[dict[str, Any]]) -> list[list[str]]:
    """Return rows of setting and value: code, packages, devices, machines, energy. What no result says is left out."""
    origins = [o for r in results for o in [*r.get("trained_by", []), *filter(None, [r.get("evaluated_by")])]]
    rows = [["code", _join(_code(o["code"]) for o in origins)],
            ["packages", _packages([{"Python": o["python"]} | o["packages"] for o in origins])],
            ["trained on", _join(_device(r["device"]) for r in results if r.get("device"))],
            ["machine", _join(f"{o['host']} ({o['platform']})" for o in origins)],
            ["made", _times(results)],
            ["energy", _energy(results)]]
    return [row for row in rows if row[1]]


def energy(joules: float) -> str:
    """Return 5,400,000 J as 1.5 kWh, and less in units of its own."""
    hours = joules / WATT_HOUR
    return f"{hours / 1000:.3g} kWh" if hours >= 1000 else f"{hours:.3g} Wh" if hours >= 1 else f"{joules:.3g} J"


def _join(texts: Iterable[str]) -> str:
    return "; ".join(sorted(set(texts)))


def _code(code: dict[str, Any]) -> str:
    if not code["commit"]:
        return f"SHA-256 {code['sha256'][:16]}…"
    changed = " with changes" if code["dirty"] else ""
    return f"commit {code['commit'][:12]}{changed}, SHA-256 {code['sha256'][:16]}…"


def _packages(origins: Sequence[dict[str, str]]) -> str:
    """Return every package with its version, or its versions where they differ."""
    names = dict.fromkeys(name for origin in origins for name in origin)
    versions = {name: sorted({origin[name] for origin in origins if name in origin}) for name in names}
    return ", ".join(f"{name} {' or '.join(found)}" for name, found in versions.items())


def _device(sentence: str) -> str:
    """Return the device of a sentence such as ``training on CPU (2 cores)``."""
    return sentence.partition(" on ")[2] or sentence


def _times(results: Sequence[dict[str, Any]]) -> str:
    started, ended = ([r[key] for r in results if r.get(key)] for key in ("started", "ended"))
    if not (started and ended):
        return ""
    first, last = (text[:16].replace("T", " ") for text in (min(started), max(ended)))
    return f"{first} to {last} UTC"


def _energy(results: Sequence[dict[str, Any]]) -> str:
    """Return the energy of trainings and evaluations, and of how many runs it is where not all devices tell."""
    told = [r["train_joules"] + r["evaluate_joules"] for r in results
            if r.get("train_joules") is not None and r.get("evaluate_joules") is not None]
    if not told:
        return ""
    return energy(sum(told)) + (f", of {len(told)} of the {len(results)} runs" if len(told) < len(results) else "")
