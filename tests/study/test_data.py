import json
import os
import time
from dataclasses import replace
from pathlib import Path

import msgspec
import numpy as np
import pytest

from datasets.annotations import boxes_per_class
from datasets.errors import InputError
from datasets.orders.order import hash_order, read_order
from study import data
from study.config import DatasetConfig, Repeats
from study.data import (
    cut_orders,
    image_bytes,
    image_folder,
    in_order,
    read_subset,
    read_train,
    read_validation,
    root_of,
    validation_split,
)
from study.matrix import Cell
from tests.small import make_study


@pytest.fixture
def dataset(study):
    return study.datasets[0]


def change(path: Path, edit) -> None:
    """Edit a JSON file, and let its time stamp show it even where clocks are coarse."""
    content = json.loads(path.read_text())
    edit(content)
    path.write_text(json.dumps(content))
    os.utime(path, ns=(time.time_ns(), time.time_ns() + 10**9))


def test_splits_are_read_where_the_configuration_says(dataset, root):
    assert read_train(dataset).num_images == 20
    assert read_validation(dataset).num_images == 7
    assert image_folder(dataset, dataset.validation) == root / "val"
    chosen = msgspec.structs.replace(dataset, classes=("blue", "red"))
    assert read_train(chosen).categories == read_validation(chosen).categories == ("blue", "red")


def test_a_file_is_read_again_only_when_it_changed(dataset, root):
    first = read_train(dataset)
    assert read_train(dataset) is first
    change(root / "annotations/instances_train.json", lambda content: content["images"][0].update(width=500))
    assert read_train(dataset).widths[0] == 500


def test_validation_has_the_classes_of_the_training_whatever_their_ids(dataset, root):
    def renumber(content):
        new = {1: 30, 2: 20, 3: 10}
        for record in content["annotations"]:
            record["category_id"] = new[record["category_id"]]
        for category in content["categories"]:
            category["id"] = new[category["id"]]
        content["categories"].append({"id": 5, "name": "further"})

    before = read_validation(dataset)
    change(root / "annotations/instances_val.json", renumber)
    after = read_validation(dataset)
    assert after.categories == ("red", "green", "blue") and after.category_ids == (30, 20, 10)
    assert after.classes.tolist() == before.classes.tolist()


def test_validation_may_lack_no_class_of_the_training(dataset, root):
    change(root / "annotations/instances_val.json", lambda content: content["categories"][2].update(name="bleu"))
    with pytest.raises(InputError, match=r"instances_val\.json: no class 'blue'; did you mean 'bleu'\?"):
        read_validation(dataset)


def test_pictures_are_known_by_their_size(dataset, root):
    """Also where the file names lead through other folders or links."""
    truth, folder = read_validation(dataset), image_folder(dataset, dataset.validation)
    expected = sum(path.stat().st_size for path in folder.iterdir())
    (folder / "notes.txt").write_text("not an image of the data set")
    assert image_bytes(truth, folder) == expected
    (root / "links").mkdir()
    (root / "links" / "val").symlink_to(folder)
    for prefix in ("../val/", "./", "../links/val/"):
        names = tuple(prefix + name for name in truth.file_names)
        assert image_bytes(replace(truth, file_names=names), folder) == expected
    with pytest.raises(InputError, match=r"val/x\.jpg: listed in .*instances_val\.json but absent"):
        image_bytes(replace(truth, file_names=("x.jpg", *truth.file_names[1:])), folder)


def test_an_absent_data_set_is_named(tmp_path):
    dataset = DatasetConfig(name="x", root=str(tmp_path / "x"))
    with pytest.raises(InputError, match=r"x/annotations/instances_train\.json: No such file"):
        read_train(dataset)


def test_an_embedded_data_set_is_made_on_first_use(tmp_path):
    dataset = DatasetConfig(name="digits", root=str(tmp_path / "digits"), generator="digits", generated=(3, 2))
    assert read_train(dataset).num_images == 3
    assert read_validation(dataset).num_images == 2
    assert len(list(image_folder(dataset, dataset.train).glob("*.jpg"))) == 3


def test_a_relative_root_lies_in_the_repository(monkeypatch, tmp_path):
    monkeypatch.setattr(data, "REPOSITORY", tmp_path)
    assert root_of(DatasetConfig(name="x", root="data/x")) == tmp_path / "data/x"


def test_subsets_of_a_draw_are_prefixes_of_its_order(root, folder):
    study = make_study(root, draws=Repeats(up_to=50, count=2))
    dataset = study.datasets[0]
    train = read_train(dataset)
    orders = cut_orders(study, folder, dataset, train)
    assert orders[0].fractions == (10, 50, 100) and orders[1].fractions == (10, 50)
    for draw, order in orders.items():
        assert read_order(folder.order("paint", draw)) == order
        expected = train.image_ids[hash_order(train.file_names, draw)].tolist()
        for fraction, size in zip(order.fractions, order.sizes):
            subset = read_subset(folder, dataset, Cell(fraction, "paint", "tiny", draw))
            assert subset.image_ids.tolist() == expected[:size]
            assert subset.file_names == tuple(f"{id_}.jpg" for id_ in expected[:size])
        assert in_order(train, order).image_ids.tolist() == expected[:order.sizes[-1]]
    assert orders[0].image_ids != orders[1].image_ids


def test_an_order_is_written_once_and_again_for_further_fractions(study, folder, dataset):
    train = read_train(dataset)
    cut_orders(study, folder, dataset, train)
    path = folder.order("paint", 0)
    before = path.stat().st_mtime_ns
    cut_orders(study, folder, dataset, train)
    assert path.stat().st_mtime_ns == before
    more = make_study(dataset.root, fractions=(10.0, 20.0, 50.0, 100.0))
    assert cut_orders(more, folder, dataset, train)[0] == read_order(path)
    assert read_order(path).fractions == (10, 20, 50, 100)


def test_two_fractions_that_select_the_same_subset_are_refused(root, folder):
    study = make_study(root, fractions=(10.0, 12.0, 100.0))
    with pytest.raises(InputError, match=r"two fractions of its 20 images select the same subset \(sizes \[2, 2, 20\]"):
        cut_orders(study, folder, study.datasets[0], read_train(study.datasets[0]))
    assert not folder.root.exists()


def test_a_fraction_that_selects_nothing_is_refused(root, folder):
    study = make_study(root, fractions=(1.0, 100.0))
    with pytest.raises(InputError, match="fraction 1 % of 20 images selects none"):
        cut_orders(study, folder, study.datasets[0], read_train(study.datasets[0]))


@pytest.mark.parametrize("edit", [
    lambda content: content["annotations"][0]["bbox"].__setitem__(2, 5),
    lambda content: content["images"].pop(),
    lambda content: content["images"][0].update(file_name="renamed.jpg"),
], ids=["box", "image", "name"])
def test_changed_annotations_are_refused(study, folder, dataset, root, edit):
    cut_orders(study, folder, dataset, read_train(dataset))
    before = folder.order("paint", 0).read_bytes()

    def edit_all(content):
        gone = content["images"][-1]["id"]
        content["annotations"] = [a for a in content["annotations"] if a["image_id"] != gone]
        edit(content)

    change(root / "annotations/instances_train.json", edit_all)
    with pytest.raises(InputError, match=r"order\.json: cut by another strategy, or from other annotations .*--name"):
        cut_orders(study, folder, dataset, read_train(dataset))
    with pytest.raises(InputError, match="cut by another strategy, or from other annotations"):
        read_subset(folder, dataset, Cell(10.0, "paint", "tiny"))
    assert folder.order("paint", 0).read_bytes() == before


def test_annotations_may_move(study, folder, dataset, root, tmp_path):
    cut_orders(study, folder, dataset, read_train(dataset))
    root.rename(tmp_path / "elsewhere")
    moved = msgspec.structs.replace(dataset, root=str(tmp_path / "elsewhere"))
    assert cut_orders(study, folder, moved, read_train(moved))[0].source.startswith(moved.root)
    assert read_subset(folder, moved, Cell(50.0, "paint", "tiny")).num_images == 10


def test_subsets_must_be_cut_first(study, folder, dataset):
    with pytest.raises(InputError, match="not cut yet; run python -m records first"):
        read_subset(folder, dataset, Cell(10.0, "paint", "tiny"))


@pytest.mark.parametrize("content", ["", "{}", '{"strategy": "rand'])
def test_a_damaged_order_is_made_again(study, folder, dataset, capsys, content):
    train, path = read_train(dataset), folder.order("paint", 0)
    order = cut_orders(study, folder, dataset, train)[0]
    whole = path.read_text()
    path.write_text(content)
    with pytest.raises(InputError, match=r"order\.json: not an order"):
        read_subset(folder, dataset, Cell(50.0, "paint", "tiny"))
    assert cut_orders(study, folder, dataset, train)[0] == order and path.read_text() == whole
    assert "order.json: not an order" in capsys.readouterr().err


def test_an_order_of_other_images_cannot_be_applied(study, folder, dataset):
    train = read_train(dataset)
    order = cut_orders(study, folder, dataset, train)[0]
    with pytest.raises(InputError, match="its images are not those of the order"):
        in_order(train.take(np.arange(5)), order)


def test_a_validation_set_may_be_held_out(dataset):
    held = msgspec.structs.replace(dataset, hold_out=30.0)
    train, validation = read_train(held), read_validation(held)
    assert train.num_images + validation.num_images == 20 and validation.num_images > 0
    assert not set(train.file_names) & set(validation.file_names)
    assert read_train(held) is train and validation_split(held) is dataset.train
    assert validation_split(dataset) is dataset.validation


def test_a_class_map_is_a_name_or_a_file(dataset, root):
    (root / "map.yaml").write_text("classes: {warm: red, cold: [green, blue]}")
    mapped = msgspec.structs.replace(dataset, class_map=str(root / "map.yaml"))
    assert read_train(mapped).categories == read_validation(mapped).categories == ("warm", "cold")
    with pytest.raises(InputError, match="no class map 'warm'"):
        read_train(msgspec.structs.replace(dataset, class_map="warm"))


def test_a_class_map_s_file_lies_in_the_repository_wherever_the_command_is_given(dataset, root, tmp_path, monkeypatch):
    for folder, classes in ((tmp_path / "repository", "{warm: red}"), (tmp_path / "elsewhere", "{cold: blue}")):
        (folder / "maps").mkdir(parents=True)
        (folder / "maps/of.yaml").write_text(f"classes: {classes}")
    monkeypatch.setattr(data, "REPOSITORY", tmp_path / "repository")
    monkeypatch.chdir(tmp_path / "elsewhere")
    mapped = msgspec.structs.replace(dataset, class_map="maps/of.yaml")
    assert read_train(mapped).categories == read_validation(mapped).categories == ("warm",)


@pytest.mark.parametrize("strategy", ["stratified", "balanced"])
def test_subsets_are_cut_by_the_study_s_strategy(study, folder, dataset, strategy):
    study = msgspec.structs.replace(study, strategy=strategy)
    orders = cut_orders(study, folder, dataset, read_train(dataset))
    assert orders[0].strategy == strategy == read_order(folder.order("paint", 0)).strategy
    subset = read_subset(folder, dataset, Cell(10, "paint", "tiny"))
    assert tuple(subset.image_ids.tolist()) == orders[0].image_ids[:2]


def test_a_ranking_cuts_the_subsets(study, folder, dataset, root):
    (root / "ranking.txt").write_text("\n".join(map(str, range(20, 0, -1))))
    ranked = msgspec.structs.replace(dataset, ranking="ranking.txt")
    study = msgspec.structs.replace(study, strategy="order-file", datasets=(ranked,))
    cut_orders(study, folder, ranked, read_train(ranked))
    assert read_subset(folder, ranked, Cell(10, "paint", "tiny")).image_ids.tolist() == [20, 19]


def test_another_strategy_is_refused(study, folder, dataset):
    cut_orders(study, folder, dataset, read_train(dataset))
    with pytest.raises(InputError, match="cut by another strategy"):
        cut_orders(msgspec.structs.replace(study, strategy="stratified"), folder, dataset, read_train(dataset))


def with_vocabulary(dataset, count, **settings):
    return msgspec.structs.replace(dataset, vocabulary=count, **settings)


def test_a_vocabulary_is_the_most_frequent_classes_of_the_training(dataset):
    every = read_train(dataset)
    boxes = dict(zip(every.categories, boxes_per_class(every).tolist()))
    ranked = sorted(boxes, key=lambda name: (-boxes[name], every.categories.index(name)))
    kept = []
    for count in (1, 2, 3):
        train, validation = (read(with_vocabulary(dataset, count)) for read in (read_train, read_validation))
        assert set(train.categories) == set(ranked[:count]) and train.categories == validation.categories
        assert list(train.categories) == [name for name in every.categories if name in train.categories]
        assert train.file_names == every.file_names and train.num_boxes == sum(boxes[n] for n in train.categories)
        assert dict(zip(train.categories, boxes_per_class(train).tolist())).items() <= boxes.items()
        kept.append(set(train.categories))
    assert kept[0] < kept[1] < kept[2]


def test_a_vocabulary_is_what_a_choice_of_its_classes_is(dataset):
    for read in (read_train, read_validation):
        chosen = read(with_vocabulary(dataset, 2))
        expected = read(msgspec.structs.replace(dataset, classes=chosen.categories))
        for field in ("categories", "category_ids", "file_names"):
            assert getattr(chosen, field) == getattr(expected, field)
        for field in ("image_ids", "starts", "boxes", "classes", "crowd", "areas"):
            np.testing.assert_array_equal(getattr(chosen, field), getattr(expected, field))


def test_of_classes_with_as_many_boxes_the_first_are_kept(dataset, root):
    def alike(content):
        content["annotations"] = [box | {"category_id": 1 + number % 3}
                                  for number, box in enumerate(content["annotations"][:9])]

    change(root / "annotations/instances_train.json", alike)
    assert read_train(with_vocabulary(dataset, 2)).categories == ("red", "green")
    assert read_train(with_vocabulary(dataset, 2, classes=("blue", "green", "red"))).categories == ("blue", "green")


def test_a_vocabulary_holds_in_images_held_out_too(dataset):
    held = with_vocabulary(dataset, 1, hold_out=30.0)
    assert read_validation(held).categories == read_train(held).categories
    every = msgspec.structs.replace(held, vocabulary=None)
    assert read_validation(held).file_names == read_validation(every).file_names


@pytest.mark.parametrize("strategy", ["random", "stratified", "balanced"])
def test_vocabularies_have_the_same_images_in_the_same_order(study, folder, dataset, strategy):
    study = msgspec.structs.replace(study, strategy=strategy)
    names = {}
    for count in (1, 2, None):
        mine = with_vocabulary(dataset, count, name=f"paint-{count}")
        cut_orders(study, folder, mine, read_train(mine))
        names[count] = [read_subset(folder, mine, Cell(fraction, mine.name, "tiny")).file_names
                        for fraction in (10.0, 50.0, 100.0)]
    assert names[1] == names[2] == names[None]


def test_a_vocabulary_of_more_classes_than_there_are_is_refused(dataset):
    with pytest.raises(InputError, match=r"instances_train\.json: data set 'paint' has 3 classes, and its vocabulary "
                                         "is 4; take fewer"):
        read_train(with_vocabulary(dataset, 4))
