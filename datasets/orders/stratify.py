"""The stratified order: at every prefix each class has its share of the images and of the boxes.

Holding every share at once is a problem of balancing vectors. For images of at most one class it has a bound: taking
an image of the class that is due first keeps every class within one image of its share at every prefix (R. Tijdeman,
The chairman assignment problem, Discrete Mathematics 32, 1980; G. Steiner and S. Yeomans, Level schedules for
mixed-model, just-in-time processes, Management Science 39, 1993). An image of several classes is chosen out of some of
the classes that are furthest behind: the one that makes the sum of the deviations' fourth powers grow least.
Arithmetic is in whole numbers, so that the order is the same on every machine.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import islice

import numpy as np

from datasets.annotations import Annotations, for_training

PART, LEAST, MOST = 4, 4, 64  # at hand is at least one in PART of a group's images, within these limits
BREADTH = 3  # groups whose images are compared in one step
GRAIN = 256  # parts of an image's worth in which deviations are counted
FARTHEST = 64 * GRAIN  # beyond it a deviation weighs no more, so that costs fit int64
NEVER = 2**60


@dataclass(frozen=True)
class Shares:
    """What each image adds to: rows ``starts[i]:starts[i + 1]`` are those of the image at position i of the hash order.

    R rows. Quantities: the images of each of C classes, by name; the images of each group of images that hold the same
    number of classes, which with the classes are the G groups; the boxes of each class. Q = G + C.
    """

    starts: np.ndarray  # int64 [I + 1]
    quantities: np.ndarray  # int64 [R]
    amounts: np.ndarray  # int64 [R], images or boxes
    classes: int  # C
    groups: int  # G
    mixed: bool  # some image has several classes

    @property
    def images(self) -> int:
        return len(self.starts) - 1

    @cached_property
    def totals(self) -> np.ndarray:
        """Return int64 [Q]: what all images have."""
        return np.bincount(self.quantities, self.amounts, self.groups + self.classes).astype(np.int64)

    @cached_property
    def holders(self) -> np.ndarray:
        """Return int64 [Q]: how many images add to each quantity."""
        return np.bincount(self.quantities, minlength=self.groups + self.classes)

    @cached_property
    def worths(self) -> np.ndarray:
        """Return int64 [Q]: one image's worth, the most that one image adds to each quantity."""
        worths = np.ones(self.groups + self.classes, np.int64)
        np.maximum.at(worths, self.quantities, self.amounts)
        return worths

    def members(self) -> list[np.ndarray]:
        """Return the images of each group, int64, in hash order."""
        images = np.repeat(np.arange(self.images), np.diff(self.starts))
        by_group = images[np.argsort(self.quantities, kind="stable")]
        return np.split(by_group, np.cumsum(self.holders)[:-1])[:self.groups]


def stratified_order(annotations: Annotations, hashed: np.ndarray) -> np.ndarray:
    """Return int64 [I]: positions such that every prefix has its share of every class. `hashed` is the hash order.

    First come images until every class has one, the rarest class first. From there on the images of a class, and those
    without boxes, are within one image of their share where no image has two classes, and close to it elsewhere; so are
    the boxes of a class, measured by the largest number that one image has. Crowd boxes count as nothing.
    """
    return hashed[Balance(count_shares(for_training(annotations), hashed)).run()]


def count_shares(annotations: Annotations, hashed: np.ndarray) -> Shares:
    """Return what each image of `annotations` adds to, for the images in the order `hashed`."""
    images = annotations.num_images
    place, by_name = np.argsort(hashed), np.argsort(np.argsort(np.array(annotations.categories, object)))
    _, classes = np.unique(by_name[annotations.classes], return_inverse=True)
    pairs, boxes = np.unique(place[annotations.image_of_box()] * len(by_name) + classes, return_counts=True)
    holders, classes = np.divmod(pairs, len(by_name))
    grouped, strata = _stratify(np.bincount(holders, minlength=images))

    count = classes.max(initial=-1) + 1
    groups = count + strata.max(initial=-1) + 1
    rows = np.concatenate([holders, grouped, holders])
    order = np.argsort(rows, kind="stable")
    return Shares(
        starts=np.searchsorted(rows[order], np.arange(images + 1)),
        quantities=np.concatenate([classes, count + strata, groups + classes])[order],
        amounts=np.concatenate([np.ones(len(holders) + len(grouped), np.int64), boxes])[order],
        classes=int(count),
        groups=int(groups),
        mixed=bool((np.diff(holders) == 0).any()),
    )


def _stratify(class_counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the images (int64 [S]) that are grouped by their number of classes, and the group of each.

    Without these groups the images that suit best go first, and the last ones have one class or a dozen, which no order
    can level. Images of at most one class are told apart by it; of them only those without boxes need a group.
    """
    grouped = np.arange(len(class_counts)) if class_counts.max() > 1 else np.flatnonzero(class_counts == 0)
    return grouped, np.unique(class_counts[grouped], return_inverse=True)[1]


class Block:
    """The unused images of one group, a few of them at hand until the group has used up half as many.

    Were all of them at hand, every draw would begin with the same images, those that suit best.
    """

    def __init__(self, shares: Shares, queue: np.ndarray):
        self.shares, self.queue, self.next = shares, queue, 0
        self.size = min(max(len(queue) // PART, LEAST), MOST)

    def refill(self, used: np.ndarray) -> None:
        """Put the next unused images at hand. What was left of the last ones comes round again after all the others."""
        ahead = self.queue[self.next:self.next + 2 * self.size]
        images = ahead[~used[ahead]]
        if len(images) < self.size:
            queue = np.roll(self.queue, -self.next)
            self.queue, self.next = queue[~used[queue]], 0
            images = ahead = self.queue[:2 * self.size]
        self.next += len(ahead)
        self.images, self.lasts = images, (len(images) + 1) // 2

        starts = self.shares.starts[images]
        sizes = self.shares.starts[images + 1] - starts
        self.firsts = np.cumsum(sizes) - sizes
        rows = np.arange(sizes.sum()) + np.repeat(starts - self.firsts, sizes)
        self.quantities, self.amounts = self.shares.quantities[rows], self.shares.amounts[rows]

    def count(self, used: np.ndarray) -> None:
        """Count one more image of the group as used, at hand or not."""
        self.lasts -= 1
        if self.lasts == 0:
            self.refill(used)

    def cheapest(self, slopes: np.ndarray, used: np.ndarray) -> tuple[int, int]:
        """Return the cost of the cheapest unused image at hand, and the image."""
        costs = np.add.reduceat(slopes.take(self.quantities) * self.amounts, self.firsts)
        best = costs.argmin()
        if used[self.images[best]]:  # seldom, so that it is quicker to look twice
            costs[used[self.images]] = NEVER
            best = costs.argmin()
        return costs.item(best), self.images.item(best)


class Balance:
    """The images taken so far, and how far each quantity is from its share."""

    def __init__(self, shares: Shares):
        self.shares = shares
        self.used = np.zeros(shares.images, bool)
        self.left = shares.totals[:shares.groups].tolist()  # images of each group
        self.absent = sorted(range(shares.classes), key=self.left.__getitem__)  # classes without an image yet
        self.blocks = [Block(shares, members) for members in shares.members()]
        for block in self.blocks:
            block.refill(self.used)

        # Deviations in parts of scale, plus half of what an image adds on average: slopes are taken halfway.
        self.scale = shares.images * shares.worths
        self.ahead = GRAIN * shares.images * shares.totals // (2 * shares.holders)
        self.share = GRAIN * shares.totals

    def run(self) -> np.ndarray:
        """Return int64 [I]: the images, as places in the hash order, in the balanced order."""
        order = np.empty(self.shares.images, np.int64)
        for step in range(len(order)):
            self.ahead -= self.share
            deviations = self.ahead // self.scale
            slopes = self._slopes(deviations)
            groups = self._choose_groups(deviations, step + 1)
            _, order[step] = min([self.blocks[group].cheapest(slopes, self.used) for group in groups])
            self._take(order.item(step))
        return order

    def _slopes(self, deviations: np.ndarray) -> np.ndarray:
        """Return int64 [Q]: what one more of each quantity costs in the next prefix."""
        near = np.minimum(deviations, FARTHEST)
        np.maximum(near, -FARTHEST, out=near)
        return near * near * near // self.shares.worths

    def _choose_groups(self, deviations: np.ndarray, prefix: int) -> list[int]:
        """Return the groups out of which the last image of `prefix` is chosen."""
        if self.absent:
            return self.absent[:1]
        if not self.shares.mixed:
            return [self._first_due(prefix)]
        furthest_behind = deviations[:self.shares.groups].argsort(kind="stable").tolist()
        return list(islice((group for group in furthest_behind if self.left[group]), BREADTH))

    def _first_due(self, prefix: int) -> int:
        """Return the group whose next image is due first, among those that would not get more than one image ahead."""
        images, totals = self.shares.images, self.shares.totals[:self.shares.groups]
        taken = totals - np.array(self.left)
        due = -(-(taken + 1) * images // totals)
        early = taken * images // totals >= prefix
        return int((due + NEVER * early).argmin())

    def _take(self, image: int) -> None:
        rows = slice(self.shares.starts[image], self.shares.starts[image + 1])
        quantities = self.shares.quantities[rows]
        self.ahead[quantities] += GRAIN * self.shares.images * self.shares.amounts[rows]
        self.used[image] = True
        for group in quantities[quantities < self.shares.groups].tolist():
            self.left[group] -= 1
            self.blocks[group].count(self.used)
            if group in self.absent:
                self.absent.remove(group)
