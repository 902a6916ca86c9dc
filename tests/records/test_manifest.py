import json
from dataclasses import asdict

import pytest

from datasets.errors import InputError
from records.manifest import (
    FILE_NAME,
    Corrupt,
    Manifest,
    Shard,
    check_share,
    corrupt_of,
    first_shards,
    read_manifest,
    write_manifest,
)

MANIFEST = Manifest("abc", 160, 1000, (Shard("a", 2, 20), Shard("b", 3, 30), Shard("c", 5, 40)),
                    (Corrupt(1, 7, "x/b.jpg", "cut"), Corrupt(6, 3, "c.jpg", "empty")))


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


def test_a_manifest_from_before_corrupt_images_were_listed_has_none(folder):
    content = asdict(MANIFEST)
    del content["corrupt"]
    (folder / FILE_NAME).write_text(json.dumps(content))
    assert read_manifest(folder).corrupt == ()


@pytest.mark.parametrize(("images", "positions"), [(1, []), (2, [1]), (5, [1]), (10, [1, 6])])
def test_the_corrupt_images_of_a_subset_are_those_in_its_prefix(folder, images, positions):
    assert [image.position for image in corrupt_of(folder, images)] == positions
    (folder / "a").unlink()
    with pytest.raises(InputError, match="no complete records"):
        corrupt_of(folder, images)


@pytest.mark.parametrize(("positions", "images", "max_corrupt", "message"), [
    ([0], 100, 1.0, None), ([0], 99, 1.0, r"1 \(0\.jpg: cut\) of the first 99 training images"), ([99], 99, 0.0, None),
    ([], 10, 0.0, None), ([3], 10, 0.0, r".* 10 per cent; .* max_corrupt \(0\)"), (range(5), 20, 100.0, None),
    (range(5), 20, 24.0, r"5 \(0\.jpg: cut; 1\.jpg: cut; 2\.jpg: cut; …\) of the first 20 .*, 25 per cent"),
])
def test_more_corrupt_images_than_stated_are_an_error_that_names_them(positions, images, max_corrupt, message):
    corrupt = [Corrupt(position, position, f"{position}.jpg", "cut") for position in positions]
    if message is None:
        check_share(corrupt, images, max_corrupt, "paint")
    else:
        with pytest.raises(InputError, match=f"^paint: {message}"):
            check_share(corrupt, images, max_corrupt, "paint")
