import msgspec
import numpy as np
import pytest
import tensorflow as tf

from datasets.errors import InputError
from datasets.formats.coco import read_coco, write_coco
from records.manifest import corrupt_of, first_shards, read_manifest
from records.pipeline import training_batches
from records.prepare import prepare
from study.config import Forecast, Repeats
from study.data import cut_orders, in_order, read_subset, read_train, read_validation
from study.layout import StudyFolder
from study.matrix import Cell, cells
from tests.small import make_study, write_dataset


def read_ids(files):
    features = {"image/source_id": tf.io.FixedLenFeature([], tf.string)}
    return [int(tf.io.parse_single_example(record, features)["image/source_id"].numpy())
            for record in tf.data.TFRecordDataset([str(file) for file in files])]


@pytest.fixture
def folder(tmp_path):
    return StudyFolder(tmp_path / "studies/small")


@pytest.fixture
def study(root):
    return make_study(root, draws=Repeats(up_to=10, count=2))


def stamps(folder):
    return {path: path.stat().st_mtime_ns for path in folder.root.rglob("*") if path.is_file()}


def test_every_cell_finds_exactly_its_images(study, folder):
    dataset = study.datasets[0]
    prepare(study, folder, dataset)
    for cell in cells(study):
        subset = read_subset(folder, dataset, cell)
        files = first_shards(folder.train_records("paint", 64, cell.draw), subset.num_images)
        assert read_ids(files) == subset.image_ids.tolist()
    validation = first_shards(folder.validation_records("paint", 64), 7)
    assert read_ids(validation) == read_validation(dataset).image_ids.tolist()


def test_a_further_draw_stores_only_its_largest_subset(study, folder):
    prepare(study, folder, study.datasets[0])
    manifest = read_manifest(folder.train_records("paint", 64, 1))
    assert sum(shard.images for shard in manifest.shards) == 2


def test_detectors_of_one_stored_size_share_their_records(study, folder):
    tiny = study.detectors[0]
    others = (msgspec.structs.replace(tiny, name="same"), msgspec.structs.replace(tiny, name="large", stored_size=80))
    manifests = prepare(msgspec.structs.replace(study, detectors=(tiny, *others)), folder, study.datasets[0])
    assert [m.stored_size for m in manifests] == [64] * 3 + [80] * 3
    assert sorted(p.name for p in (folder.dataset("paint") / "records").iterdir()) == ["64px", "80px"]


def test_prepared_records_are_left_alone(study, folder):
    manifests = prepare(study, folder, study.datasets[0])
    before = stamps(folder)
    assert prepare(study, folder, study.datasets[0]) == manifests and stamps(folder) == before


def test_further_fractions_cut_the_records_again(study, folder, root):
    prepare(study, folder, study.datasets[0])
    before = stamps(folder)
    more = msgspec.structs.replace(study, fractions=(10.0, 25.0, 50.0, 100.0))
    prepare(more, folder, more.datasets[0])
    subset = read_subset(folder, more.datasets[0], Cell(25.0, "paint", "tiny"))
    assert read_ids(first_shards(folder.train_records("paint", 64, 0), 5)) == subset.image_ids.tolist()
    after = stamps(folder)
    for untouched in (folder.validation_records("paint", 64), folder.train_records("paint", 64, 1)):
        assert all(after[path] == stamp for path, stamp in before.items() if path.is_relative_to(untouched))


def test_crowds_and_empty_boxes_are_not_trained_on(study, folder, root):
    path = root / "annotations/instances_train.json"
    truth = read_coco(path)
    truth.boxes[0, 2], truth.crowd[1] = 0, True
    write_coco(path, truth)
    prepare(study, folder, study.datasets[0])
    label = {"image/object/class/label": tf.io.VarLenFeature(tf.int64)}
    records = tf.data.TFRecordDataset([str(f) for f in first_shards(folder.train_records("paint", 64, 0), 20)])
    written = sum(len(tf.io.parse_single_example(r, label)["image/object/class/label"].values) for r in records)
    assert written == truth.num_boxes - 2


def test_annotations_that_changed_are_refused_before_anything_is_written(study, folder, root):
    prepare(study, folder, study.datasets[0])
    before = stamps(folder)
    path = root / "annotations/instances_train.json"
    write_coco(path, read_coco(path).take(np.arange(19)))
    with pytest.raises(InputError, match="cut by another strategy, or from other annotations"):
        prepare(study, folder, study.datasets[0])
    assert stamps(folder) == before


def test_a_missing_image_is_named(study, folder, root):
    (root / "train/7.jpg").unlink()
    with pytest.raises(InputError, match=r"instances_train\.json: lists 7\.jpg, but .* does not exist"):
        prepare(study, folder, study.datasets[0])


def test_one_truncated_jpeg_among_two_hundred_is_left_out(tmp_path, capsys):
    root = write_dataset(tmp_path / "large", train=200)
    study = make_study(root, fractions=(60.0, 80.0, 100.0), forecast=Forecast(fit_up_to=80.0))
    folder = StudyFolder(tmp_path / "studies/small")
    orders = cut_orders(study, folder, study.datasets[0], read_train(study.datasets[0]))
    last = in_order(read_train(study.datasets[0]), orders[0]).file_names[150]
    (root / "train" / last).write_bytes((root / "train" / last).read_bytes()[:600])
    prepare(study, folder, study.datasets[0])
    (image,) = corrupt_of(folder.train_records("paint", 64, 0), 200)
    assert (image.position, image.name) == (150, last) and f"1 ({last}: " in capsys.readouterr().err
    assert corrupt_of(folder.train_records("paint", 64, 0), 120) == []
    tf.random.set_seed(1)
    batches = training_batches(first_shards(folder.train_records("paint", 64, 0), 200), 200, batch_size=20,
                               input_size=32, seed=1, leave_out=[image.image_id])
    assert sum(len(images) for images, _ in batches.take(20)) == 400


def test_five_of_twenty_are_an_error_that_names_them(study, folder, root):
    for name in range(1, 6):
        (root / "train" / f"{name}.jpg").write_bytes(b"")
    with pytest.raises(InputError, match=r"training images cannot be decoded.*max_corrupt \(1\)"):
        prepare(study, folder, study.datasets[0])


def test_a_validation_image_that_cannot_be_decoded_is_always_an_error(study, folder, root):
    """Without it the mAP would be another one."""
    tolerant = msgspec.structs.replace(study.datasets[0], max_corrupt=100.0)
    (root / "val/3.jpg").write_bytes(b"")
    with pytest.raises(InputError, match=r"val/3\.jpg: cannot be decoded"):
        prepare(study, folder, tolerant)
