"""All the records of a study: one validation set and one nested training set per draw and stored size."""

from __future__ import annotations

from pathlib import Path

from datasets.annotations import Annotations, for_training
from records.manifest import Manifest
from records.write import write_records
from study.config import DatasetConfig, Study
from study.data import cut_orders, image_folder, in_order, read_train, read_validation, validation_split
from study.layout import StudyFolder


def prepare(study: Study, folder: StudyFolder, dataset: DatasetConfig, damaged: Path | None = None) -> list[Manifest]:
    """Cut the orders of `dataset` and write whatever records are missing or lie in `damaged`; return the manifests."""
    train, validation = read_train(dataset), read_validation(dataset)
    orders = cut_orders(study, folder, dataset, train)
    sizes = sorted({detector.stored_size for detector in study.detectors})
    manifests = []
    for size in sizes:
        manifests.append(_write(validation, dataset, validation_split(dataset),
                                folder.validation_records(dataset.name, size), size, (), f"{dataset.name} validation",
                                damaged))
        for draw, order in orders.items():
            manifests.append(_write(in_order(train, order), dataset, dataset.train,
                                    folder.train_records(dataset.name, size, draw), size, order.sizes,
                                    f"{dataset.name} train, draw {draw}", damaged, dataset.max_corrupt))
    return manifests


def _write(annotations: Annotations, dataset: DatasetConfig, split, folder, size, boundaries, label,
           damaged: Path | None, max_corrupt: float = 0.0) -> Manifest:
    """A validation image that cannot be decoded is always an error: without it the mAP would be another one."""
    return write_records(for_training(annotations), image_folder(dataset, split), folder, stored_size=size,
                         boundaries=boundaries, max_corrupt=max_corrupt, label=f"records: {label}, {size} px",
                         anew=folder == damaged)
