import json
from dataclasses import asdict

import pytest

from datasets.errors import InputError
from records.manifest import FILE_NAME, Manifest, Shard, first_shards, read_manifest, write_manifest

MANIFEST = Manifest("abc", 160, 1000, (Shard("a", 2, 20), Shard("b", 3, 30), Shard("c", 5, 40)))


@pytest.fixture
def folder(tmp_path):
    write_manifest(tmp_path, MANIFEST)
    for shard in MANIFEST.shards:
        (tmp_path / shard.name).write_bytes(bytes(shard.bytes))
    return tmp_path


def test_what_was_written_is_read_again(folder):
    assert read_manifest(folder) == MANIFEST
    assert MANIFEST.stored_bytes == 90


@pytest.mark.parametrize("damage", [lambda shard: shard.unlink(), lambda shard: shard.write_bytes(b"cut")])
def test_records_are_complete_only_with_manifest_and_every_shard(folder, tmp_path, damage):
    assert read_manifest(tmp_path / "absent") is None
    damage(folder / "b")
    assert read_manifest(folder) is None
    with pytest.raises(InputError, match="no complete records; make them with python -m records"):
        first_shards(folder, 2)


@pytest.mark.parametrize(("images", "names"), [(2, "a"), (5, "ab"), (10, "abc")])
def test_a_subset_is_a_list_of_whole_files(folder, images, names):
    assert first_shards(folder, images) == [folder / name for name in names]


@pytest.mark.parametrize("images", [1, 3, 9, 11])
def test_no_subset_ends_within_a_file(folder, images):
    with pytest.raises(InputError, match=f"no shard ends at image {images}"):
        first_shards(folder, images)


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", '{"fingerprint": 1}', json.dumps(
    asdict(MANIFEST) | {"shards": [{"name": 3, "images": 1}]})])
def test_a_damaged_manifest_is_named(folder, content):
    (folder / FILE_NAME).write_text(content)
    with pytest.raises(InputError, match=r"records\.json: not"):
        read_manifest(folder)
