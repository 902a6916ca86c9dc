"""How often do error bars hold the truth? `python -m benchmarks.coverage` (minutes; --repeats 20 for a quick look).

A world of 30,000 images and 20 classes is simulated, from one in every second image to one in every hundredth, and
detectors from weak to strong judged on it: their AP over the whole world is the truth. Then samples of images are
judged as validation sets are, with error bars, and it is counted how often these hold the truth. Matches are simulated,
not boxes: every image is easy or hard for all its classes and every detector, every box for every detector, and false
alarms fall on images at random, more on those that hold the class and score higher on hard ones.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from datasets.errors import InputError, command
from datasets.parser import Parser, count
from evaluate.bootstrap import reduce_precision, resample_precision
from evaluate.coco import ALL, Scores
from evaluate.compare import compare
from evaluate.matches import IOU_THRESHOLDS, ClassMatches
from evaluate.result import metric_rows

WORLD = 30_000  # images
SIZES = (200, 1_000, 5_000)  # images of a validation set
STRENGTHS = (-3.0, -1.5, -0.5, 0.5, 0.6, 2.0)  # of the detectors, in logits; AP .002, .05, .21, .46, .48, .76
PAIRS = (0, 1), (1, 3), (3, 4)  # those that are compared: two weak ones, a weak and a strong one, two alike
SHARES = np.geomspace(0.5, 0.01, 20)  # of the images that hold a class; COCO's reach from .5 to .002
FURTHER = np.geomspace(3, 0.2, 20)  # boxes beyond the first in an image that holds one, on average
BINS = (1, 2, 6, 11, 21, 51, 201, 1001)  # boxes of a class in the sample
FIELDS = (("low_80", "high_80"), ("low", "high"))

Matches = tuple[ClassMatches, ...]
Tally = dict[tuple[str, str], list[tuple[bool, bool]]]  # (figure, group): whether 80 and 95 % intervals hold the truth


def simulate(rng: np.random.Generator, images: int, strengths: Sequence[float] = STRENGTHS) -> list[Matches]:
    """Return what each detector finds in one and the same set of images."""
    ease = rng.normal(size=images)
    per_class = [_simulate_class(rng, f"class {k}", ease, share, further, strengths)
                 for k, (share, further) in enumerate(zip(SHARES, FURTHER))]
    return list(zip(*per_class))


def _simulate_class(rng: np.random.Generator, name: str, ease: np.ndarray, share: float, further: float,
                    strengths: Sequence[float]) -> list[ClassMatches]:
    """Return the matches of one class by each detector, in images of this ease [I]."""
    truths = np.where(rng.random(len(ease)) < share, 1 + rng.poisson(further, len(ease)), 0)
    boxes = np.repeat(np.arange(len(ease)), truths)
    clarity = 0.5 * ease[boxes] + 0.8 * rng.normal(size=len(boxes))
    return [_detect(rng, name, truths, boxes, ease, strength + clarity) for strength in strengths]


def _detect(rng: np.random.Generator, name: str, truths: np.ndarray, boxes: np.ndarray, ease: np.ndarray,
            clarity: np.ndarray) -> ClassMatches:
    """Return one detector's matches. `boxes` [B]: the image of each; `clarity` [B]: in logits."""
    iou = 1 / (1 + np.exp(-1 - 0.6 * clarity - 0.6 * rng.normal(size=len(boxes))))
    alarms = np.where(truths > 0, 1.0, np.sqrt((truths > 0).mean()))
    strays = np.repeat(np.arange(len(ease)), rng.poisson(alarms))
    scores = np.concatenate([1.5 * clarity + 0.8 * rng.normal(size=len(boxes)),
                             -2 - 0.5 * ease[strays] + 1.2 * rng.normal(size=len(strays))])
    found = np.concatenate([iou >= IOU_THRESHOLDS[:, None], np.zeros((len(IOU_THRESHOLDS), len(strays)), bool)], axis=1)
    best = np.argsort(-scores)
    rows = np.arange(len(best))
    return ClassMatches(name, np.concatenate([boxes, strays])[best].astype(np.int32), scores[best],
                        np.zeros(len(best), np.int32), rows, found[None, :, best],
                        np.zeros((1, *found.shape), bool), truths[None], rows.astype(np.int32))


def take_images(matches: Matches, images: np.ndarray) -> Matches:
    """Return the matches of `images` (positions, which may repeat) as a data set of their own."""
    return tuple(_take(m, np.bincount(images, minlength=m.truths.shape[1])) for m in matches)


def _take(m: ClassMatches, times: np.ndarray) -> ClassMatches:
    """Return `m` with each image as often as `times` [I] says."""
    rows = np.repeat(np.arange(len(m.images)), times[m.images])
    first = np.concatenate([[0], np.cumsum(times[m.images])])
    copy = np.arange(len(rows)) - first[rows]
    images = (np.cumsum(times) - times)[m.images[rows]] + copy
    return ClassMatches(m.name, images.astype(np.int32), m.scores[rows], m.ranks[rows], m.rows[rows],
                        m.found[:, :, rows], m.ignored[:, :, rows], np.repeat(m.truths, times, axis=1), m.nearest[rows])


def to_scores(matches: Matches) -> Scores:
    """Return AP and AP50, over all classes and for each, as `score` would."""
    ones = np.ones((matches[0].truths.shape[1], 1), np.int32)
    figures = reduce_precision(matches, resample_precision(matches, ones))
    return Scores({key: float(value[0]) for key, value in figures.items()}, matches, np.empty(0))


def measure(world: Sequence[Matches], sizes: Sequence[int], repeats: int, resamples: int, seed: int = 0,
            pairs: Sequence[tuple[int, int]] = PAIRS) -> tuple[Tally, dict[str, float]]:
    """Return the coverage of `repeats` samples of each of `sizes`, and how exact paired differences are.

    The second is the mean standard error of a difference, as a share of that of two independent samples, per figure,
    for the last of `pairs`.
    """
    rng, tally, widths = np.random.default_rng(seed), defaultdict(list), defaultdict(list)
    truths = [to_scores(matches).values for matches in world]
    for size in sizes:
        for repeat in range(repeats):
            images = rng.integers(len(world[0][0].truths[0]), size=size)
            scores = [to_scores(take_images(matches, images)) for matches in world]
            rows = [metric_rows(each, resamples, repeat) for each in scores]
            for truth, each, judged in zip(truths, scores, rows):
                _count(tally, judged, truth, each.matches, f"{size:,} images")
            for one, other in pairs:
                paired = compare(scores[one], scores[other], resamples, repeat)
                difference = {key: truths[other][key] - truths[one][key] for key in truths[one]}
                _count(tally, paired, difference, scores[one].matches, f"{size:,} images", "difference of ")
            _compare_widths(widths, paired, rows[one], rows[other])
    return dict(tally), {figure: float(np.mean(shares)) for figure, shares in widths.items()}


def _count(tally: Tally, rows: Iterable, truth: dict, matches: Matches, sample: str, prefix: str = "") -> None:
    """Add to `tally` whether each row's intervals hold the truth; a class under the boxes that it has."""
    boxes = {m.name: int(m.truths[0].sum()) for m in matches}
    for row in rows:
        if row["low"] is not None:
            key = row["metric"], row["class"]
            group = sample if row["class"] == ALL else _bin(boxes[row["class"]])
            held = [row[low] <= truth[key] <= row[high] for low, high in FIELDS]
            tally[prefix + row["metric"], group].append((held[0], held[1]))


def _bin(boxes: int) -> str:
    at = int(np.searchsorted(BINS, boxes, side="right"))
    last = f" to {BINS[at] - 1:,}" if at < len(BINS) else " or more"
    return f"{BINS[at - 1]:,}{last if BINS[at - 1:at + 1] != (1, 2) else ''} boxes"


def _compare_widths(widths: dict[str, list[float]], paired: Iterable, one: Iterable, other: Iterable) -> None:
    apart = [{row["metric"]: row["stderr"] for row in rows if row["class"] == ALL} for rows in (one, other)]
    for row in paired:
        if row["class"] == ALL:
            widths[row["metric"]].append(row["stderr"] / np.hypot(*(each[row["metric"]] for each in apart)))


def format_coverage(tally: Tally) -> Iterator[str]:
    """Yield lines: figure, group, coverage of the 80 and the 95 % intervals with standard errors, intervals counted.

    The standard error takes the intervals as independent, which those of one sample of images are not quite.
    """
    yield f"{'figure':<19} {'of':<18} {'80 %':^13} {'95 %':^13} intervals"
    for (figure, group), held in sorted(tally.items(), key=_order):
        shares = np.mean(held, axis=0)
        errors = np.sqrt(shares * (1 - shares) / len(held))
        cells = "  ".join(f"{share:.3f} ± {error:.3f}" for share, error in zip(shares, errors))
        yield f"{figure:<19} {group:<18} {cells} {len(held):>9,}"


def _order(item: tuple[tuple[str, str], list]) -> tuple[str, bool, int]:
    (figure, group), _ = item
    return figure, group.endswith("boxes"), int(group.split()[0].replace(",", ""))


def make_parser() -> Parser:
    parser = Parser(prog="python -m benchmarks.coverage", description=__doc__,
                    epilog="example:\n  python -m benchmarks.coverage --repeats 20\n")
    parser.add_argument("--repeats", type=count, default=200, metavar="N", help="samples of each size (default: 200)")
    parser.add_argument("--resamples", type=count, default=200, metavar="N",
                        help="bootstrap resamples behind every error bar (default: 200)")
    parser.add_argument("--seed", type=int, default=0, metavar="SEED", help="of the simulated world (default: 0)")
    return parser


@command
def main(argv: list[str] | None = None) -> None:
    arguments = make_parser().parse_args(argv)
    if arguments.resamples < 2 or arguments.seed < 0:
        raise InputError("give at least 2 --resamples and a --seed from 0 up")
    world = simulate(np.random.default_rng([arguments.seed, 1]), WORLD)
    tally, widths = measure(world, SIZES, arguments.repeats, arguments.resamples, arguments.seed)
    print("\n".join(format_coverage(tally)))
    for figure, share in widths.items():
        print(f"{figure}: the standard error of a paired difference is {share:.2f} times that of an unpaired one")


if __name__ == "__main__":
    sys.exit(main())
