"""What is known of a study's data before any training: checks, subsets, prevalence."""

from __future__ import annotations

from datasets.files import write_text
from datasets.images import check_images
from datasets.prevalence.count import tabulate
from engine.check import check
from study.config import DatasetConfig, Study
from study.data import cut_orders, image_folder, read_train, read_validation, validation_split
from study.layout import StudyFolder

PICTURED = 6  # images in a collage
DESCRIBED = "prevalence", "shift", "collage"  # pictures that `describe` draws of a data set


def describe(study: Study, folder: StudyFolder, dataset: DatasetConfig) -> None:
    """Check the data set, cut its subsets, and draw what it holds."""
    train, validation = read_train(dataset), read_validation(dataset)
    check_images(train, image_folder(dataset, dataset.train))
    check_images(validation, image_folder(dataset, validation_split(dataset)))
    order = cut_orders(study, folder, dataset, train)[0]
    check(folder, dataset, train, validation)
    table = tabulate(train, study.fractions, validation, positions=order.positions(train))
    path, text = folder.prevalence(dataset.name), table.to_csv(index=False)
    if path.exists() and path.read_text(encoding="utf-8") == text:
        return
    from charts.collage import labelled_grid
    from charts.prevalence import prevalence
    from charts.save import save_figure
    from charts.shift import shift_chart
    from datasets.prevalence.shift import shift

    save_figure(prevalence(table), folder.charts / f"prevalence_{dataset.name}")
    save_figure(shift_chart(shift(table)), folder.charts / f"shift_{dataset.name}")
    pictures = labelled_grid(train, image_folder(dataset, dataset.train), PICTURED)
    save_figure(pictures, folder.charts / f"collage_{dataset.name}")
    write_text(path, text)
