from dataclasses import replace

import pytest
import tensorflow as tf

from datasets.annotations import for_training
from datasets.errors import InputError
from datasets.formats.coco import read_coco
from records import scan
from records.manifest import Corrupt, Manifest, Shard, corrupt_of, first_shards, read_manifest, write_manifest
from records.pipeline import training_batches
from records.scan import rescan
from records.write import make_example


@pytest.fixture
def annotations(root):
    return for_training(read_coco(root / "annotations/instances_train.json"))


@pytest.fixture
def make(annotations, root, tmp_path):
    """Return a function that writes records whose images at `damaged` positions are cut."""

    def make(damaged):
        shards = []
        for number, positions in enumerate((range(8), range(8, 20))):
            path = tmp_path / f"{number}.tfrecord"
            with tf.io.TFRecordWriter(str(path)) as writer:
                for position in positions:
                    content = (root / "train" / annotations.file_names[position]).read_bytes()
                    writer.write(make_example(annotations, position, content[:700] if position in damaged else content))
            shards.append(Shard(path.name, len(positions), path.stat().st_size))
        write_manifest(tmp_path, Manifest("hand-made", 100, 0, tuple(shards)))
        return tmp_path

    return make


def train(folder, leave_out=()):
    tf.random.set_seed(1)
    batches = training_batches(first_shards(folder, 20), 20, batch_size=4, input_size=32, seed=1, leave_out=leave_out)
    return sum(len(images) for images, _ in batches.take(10))


@pytest.mark.parametrize("damaged", [{5}, {0, 8, 19}, set(range(8))], ids=str)
def test_training_stops_at_a_corrupt_image_and_goes_on_without_it(make, damaged, monkeypatch):
    monkeypatch.setattr(scan, "CHUNK", 3)
    folder = make(damaged)
    with pytest.raises(tf.errors.InvalidArgumentError):
        train(folder)
    found = rescan(folder, 20)
    assert {image.position for image in found} == damaged
    assert all(image.name == f"image {image.image_id}" and not set("{[\n") & set(image.reason) for image in found)
    assert corrupt_of(folder, 20) == found and rescan(folder, 20) == []
    assert corrupt_of(folder, 8) == [image for image in found if image.position < 8]
    assert train(folder, [image.image_id for image in found]) == 40


def test_records_without_a_fault_are_left_as_they_are(make):
    folder = make(set())
    before = read_manifest(folder)
    assert rescan(folder, 20) == [] and read_manifest(folder) == before


def test_only_the_subset_is_looked_at_and_what_is_known_stays(make):
    folder = make({2, 15})
    (first,) = rescan(folder, 8)
    (second,) = rescan(folder, 20)
    assert (first.position, second.position) == (2, 15) and corrupt_of(folder, 20) == [first, second]


def test_what_another_process_found_meanwhile_is_kept(make, monkeypatch):
    folder = make({2, 15})
    manifest = read_manifest(folder)
    other = Corrupt(4, 5, "image 5", "found by another")

    def find(example):
        write_manifest(folder, Manifest("hand-made", 100, 0, manifest.shards, (other,)))
        return real(example)

    real = scan._reason
    monkeypatch.setattr(scan, "_reason", find)
    rescan(folder, 20)
    assert [image.position for image in corrupt_of(folder, 20)] == [2, 4, 15]


@pytest.mark.parametrize("damage", ["checksum", "example"])
def test_a_damaged_file_is_named_with_the_folder_to_delete(make, damage):
    folder = make(set())
    path, manifest = folder / "1.tfrecord", read_manifest(folder)
    content = bytearray(path.read_bytes())
    if damage == "checksum":
        content[len(content) // 2] ^= 255
        path.write_bytes(content)
    else:
        with tf.io.TFRecordWriter(str(path)) as writer:
            writer.write(b"\xff" * 40)
        second = replace(manifest.shards[1], bytes=path.stat().st_size)
        write_manifest(folder, replace(manifest, shards=(manifest.shards[0], second)))
    with pytest.raises(InputError, match=rf"1\.tfrecord: damaged .*; delete {folder} and make the records again"):
        rescan(folder, 20)
