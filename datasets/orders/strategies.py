"""The strategies of the nested order: which images come first."""

from __future__ import annotations

from collections.abc import Callable
from heapq import heapify, heappop, heapreplace

import numpy as np

from datasets.annotations import Annotations, for_training
from datasets.orders.ranking import Ranking, ranked_order
from datasets.orders.stratify import count_shares, stratified_order

# Each takes the annotations, their hash order (int64 [I] positions) and the ranking, and returns int64 [I] positions.
STRATEGIES: dict[str, Callable[[Annotations, np.ndarray, Ranking], np.ndarray]] = {
    "random": lambda annotations, hashed, ranking: hashed,
    "stratified": lambda annotations, hashed, ranking: stratified_order(annotations, hashed),
    "balanced": lambda annotations, hashed, ranking: balanced_order(annotations, hashed),
    "order-file": lambda annotations, hashed, ranking: ranked_order(annotations, ranking),
}


def balanced_order(annotations: Annotations, hashed: np.ndarray) -> np.ndarray:
    """Return int64 [I]: positions with rare classes first. `hashed` is the hash order.

    The next image is the first one left of the class that has the fewest images so far; of two with as few, of the one
    that is rarer in the whole, then by name. Images without boxes come last; crowd boxes count as nothing. Images are
    counted and not boxes, as LVIS does (Gupta, Dollár and Girshick, CVPR 2019): one crowded image would keep its class
    out for long.
    """
    shares = count_shares(for_training(annotations), hashed)
    rows = np.split(shares.quantities, shares.starts[1:-1])
    classes = [[quantity for quantity in row.tolist() if quantity < shares.classes] for row in rows]
    waiting = [iter(members.tolist()) for members in shares.members()[:shares.classes]]
    order, used, taken = [], np.zeros(shares.images, bool), [0] * shares.classes
    heap = [(0, total, class_) for class_, total in enumerate(shares.totals[:shares.classes].tolist())]
    heapify(heap)
    while heap:
        seen, total, class_ = heap[0]
        if seen < taken[class_]:  # images of other classes had it too
            heapreplace(heap, (taken[class_], total, class_))
            continue
        image = next((image for image in waiting[class_] if not used[image]), None)
        if image is None:
            heappop(heap)
            continue
        order.append(image)
        used[image] = True
        for held in classes[image]:
            taken[held] += 1
    return hashed[np.concatenate([np.array(order, np.int64), np.flatnonzero(~used)])]
