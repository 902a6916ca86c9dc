import hashlib
import os
import tracemalloc

import imagehash
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageEnhance, ImageOps

from datasets import leaks
from datasets.embedded.glyphs import digits
from datasets.embedded.scenes import paint_scene
from datasets.leaks import Fingerprints, Pair, find_pairs, find_pairs_within, fingerprint_images

ALPHABET = digits("val")
SCENES = [Image.fromarray(paint_scene(np.random.default_rng(number), ALPHABET).image) for number in range(60)]


def save(folder, pictures, kind="JPEG", **options):
    """Save pictures under numbers and return their fingerprints."""
    folder.mkdir()
    for number, picture in enumerate(pictures):
        picture.save(folder / str(number), kind, **options)
    return fingerprint_images(folder, [str(number) for number in range(len(pictures))])


def shrink(picture, factor):
    return picture.resize((picture.width // factor, picture.height // factor), Image.Resampling.BICUBIC)


def crop(picture, share):
    x, y = round(picture.width * share), round(picture.height * share)
    return picture.crop((x, y, picture.width - x, picture.height - y))


@pytest.mark.parametrize("change, options, least, most", [
    (lambda p: p, {"quality": 60}, 1, 1),
    (lambda p: p, {"quality": 30}, 1, 1),
    (lambda p: p, {"kind": "PNG"}, 1, 1),
    (lambda p: p.convert("L"), {}, 1, 1),
    (lambda p: shrink(p, 2), {}, 1, 1),
    (lambda p: shrink(p, 4), {}, 1, 1),
    (lambda p: ImageEnhance.Brightness(p).enhance(1.1), {}, 1, 1),
    (lambda p: crop(p, 0.01), {}, 0.95, 1),
    (lambda p: crop(p, 0.025), {}, 0.5, 0.95),
    (lambda p: crop(p, 0.05), {}, 0, 0.4),
    (ImageOps.mirror, {}, 0, 0),
    (lambda p: p.transpose(Image.Transpose.ROTATE_90), {}, 0, 0),
], ids=["quality 60", "quality 30", "PNG", "grey", "half", "quarter", "brighter", "1 %", "2.5 %", "5 %", "mirrored",
        "turned"])
def test_what_is_found_of_pictures_saved_again(tmp_path, change, options, least, most):
    before = save(tmp_path / "before", SCENES, quality=92)
    after = save(tmp_path / "after", [change(picture) for picture in SCENES], **options)
    pairs = find_pairs(before, after)
    assert all(pair.train == pair.other and not pair.identical for pair in pairs)
    assert least <= len(pairs) / len(SCENES) <= most


def test_different_pictures_are_no_pairs(tmp_path):
    fingerprints = save(tmp_path / "a", SCENES)
    assert find_pairs_within(fingerprints, 6) == [] and fingerprints.flat == fingerprints.unreadable == ()


def test_the_hash_is_that_of_imagehash(tmp_path):
    found = save(tmp_path / "a", SCENES[:5], kind="PNG")
    assert [int(str(imagehash.phash(picture)), 16) for picture in SCENES[:5]] == found.phash.tolist()
    assert found.sha256[0] == hashlib.sha256((tmp_path / "a" / "0").read_bytes()).hexdigest()


def deep(picture, kind, scale):
    return Image.fromarray((np.asarray(picture.convert("L"), float) * scale).astype(kind))


def turned_by_tag(picture):
    """Return a JPEG's picture whose tag says that it lies on its side."""
    tagged = picture.copy()
    tagged.getexif()[0x0112] = 6
    return tagged


@pytest.mark.parametrize("change, kind", [
    (lambda p: p.convert("L"), "PNG"),
    (lambda p: p.convert("LA"), "PNG"),
    (lambda p: p.convert("RGBA"), "WEBP"),
    (lambda p: p.convert("P"), "PNG"),
    (lambda p: p.convert("1"), "PNG"),
    (lambda p: p.convert("CMYK"), "JPEG"),
    (lambda p: p, "GIF"),
    (turned_by_tag, "JPEG"),
    (lambda p: deep(p, np.uint16, 257), "PNG"),
    (lambda p: deep(p, np.uint16, 16), "TIFF"),
    (lambda p: deep(p, np.int32, 1000), "TIFF"),
    (lambda p: deep(p, np.float32, 1 / 255), "TIFF"),
])
def test_every_encoding_of_a_picture_is_found(tmp_path, change, kind):
    before = save(tmp_path / "before", SCENES[:10], quality=92)
    after = save(tmp_path / "after", [change(picture) for picture in SCENES[:10]], kind)
    assert [(pair.train, pair.other) for pair in find_pairs(before, after)] == [(i, i) for i in range(10)]


def grey(values):
    return Image.fromarray(np.broadcast_to(values, (120, 160)).clip(0, 255).astype(np.uint8))


FLAT = [
    grey(0), grey(128), grey(255), Image.new("RGB", (160, 120), (200, 10, 10)), Image.new("L", (1, 1), 77),
    grey(np.arange(160)), grey(np.arange(120)[:, None]), grey(np.arange(160) // 2 + np.arange(120)[:, None]),
    grey(np.arange(160) % 40), grey(np.random.default_rng(0).normal(0, 8, (120, 160))), deep(grey(1), np.uint16, 9000),
]


def test_flat_pictures_match_identical_files_only(tmp_path):
    once, again = save(tmp_path / "a", FLAT, "PNG"), save(tmp_path / "b", FLAT, "PNG", compress_level=1)
    assert once.flat == again.flat == tuple(range(len(FLAT))) and not once.unreadable
    assert all(pair.identical for pair in find_pairs(once, again, 64))
    assert find_pairs_within(once, 64) == []
    assert find_pairs(once, once) == [Pair(i, i, 0, True) for i in range(len(FLAT))]


def test_a_flat_picture_is_no_counterpart_of_another(tmp_path):
    mixed = save(tmp_path / "a", [SCENES[0], FLAT[0], SCENES[1]])
    assert mixed.flat == (1,) and [(p.train, p.other) for p in find_pairs_within(mixed, 64)] == [(0, 2)]


def test_unreadable_images_are_listed_and_in_no_pair(tmp_path):
    SCENES[0].save(tmp_path / "good", "JPEG")
    whole = (tmp_path / "good").read_bytes()
    for name, content in {"empty": b"", "text": b"not a picture", "half": whole[:len(whole) // 2], "half_again":
                          whole[:len(whole) // 2], "head": whole[:20], "bomb": b"P6 60000 60000 255\n"}.items():
        (tmp_path / name).write_bytes(content)
    deep(SCENES[0], np.float32, np.nan).save(tmp_path / "nan", "TIFF")
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to("link")
    names = ["absent", "empty", "text", "half", "half_again", "head", "bomb", "nan", "pipe", "folder", "link",
             "nul\0byte", "long" * 100, "", "good"]
    found = fingerprint_images(tmp_path, names)
    assert found.unreadable == tuple(range(len(names) - 1)) and not found.flat
    assert [bool(digest) for digest in found.sha256] == [False] * (len(names) - 1) + [True]
    assert find_pairs(found, found, 64) == [Pair(14, 14, 0, True)] and find_pairs_within(found, 64) == []


@settings(deadline=None)
@given(st.binary(max_size=200), st.integers(0, 3000), st.integers(0, 2))
def test_any_damage_is_borne(tmp_path_factory, junk, place, picture):
    folder = tmp_path_factory.mktemp("damaged")
    SCENES[picture].save(folder / "a", ["JPEG", "PNG", "TIFF"][picture])
    whole = (folder / "a").read_bytes()
    (folder / "a").write_bytes(whole[:place] + junk + whole[place + len(junk):])
    found = fingerprint_images(folder, ["a"])
    assert found.unreadable == ((0,) if not found.sha256[0] else ()) and len(found.phash) == 1


def test_large_pictures_and_odd_palettes_pass_without_a_warning(tmp_path, recwarn, monkeypatch):
    SCENES[0].convert("P").save(tmp_path / "palette", "PNG", transparency=bytes([0, 128] * 100))
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 15_000)
    found = fingerprint_images(tmp_path, ["palette"])
    assert not found.unreadable and not found.flat and not recwarn.list


def test_order_and_progress(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(leaks, "CHUNK", 3)
    forward = save(tmp_path / "a", SCENES[:10])
    backward = fingerprint_images(tmp_path / "a", [str(number) for number in reversed(range(10))], "looking")
    assert forward.sha256 == backward.sha256[::-1] and (forward.phash == backward.phash[::-1]).all()
    assert capsys.readouterr().err.splitlines()[-1].startswith("looking: image 10 of 10, ")


def test_no_images(tmp_path):
    none, some = fingerprint_images(tmp_path, []), fingerprints_of([1, 2])
    assert none.phash.dtype == np.uint64 and not none.sha256
    assert find_pairs(none, some) == find_pairs(some, none) == find_pairs_within(none, 6) == []


def fingerprints_of(hashes, digests=None, unreadable=(), flat=()):
    digests = digests or [f"{id(hashes)} {position}" for position in range(len(hashes))]
    return Fingerprints(tuple(digests), np.array(hashes, np.uint64), unreadable, flat)


# Few bits differ and few files are distinct, so that near and identical images abound.
SPLITS = st.lists(st.tuples(st.integers(0, 255), st.integers(0, 30), st.sampled_from(["hashed"] * 4 + ["flat", "bad"])),
                  max_size=12)


def made(split):
    """Return fingerprints in which the same content has the same hash and kind, as files have."""
    by_content = {content: (value, kind) for value, content, kind in split}
    kinds = [by_content[content][1] for _, content, _ in split]
    return fingerprints_of([by_content[content][0] for _, content, _ in split],
                           ["" if kind == "bad" else str(content) for (_, content, _), kind in zip(split, kinds)],
                           tuple(i for i, kind in enumerate(kinds) if kind == "bad"),
                           tuple(i for i, kind in enumerate(kinds) if kind == "flat"))


def closeness(a, i, b, j):
    """Return (not identical, bits) of two images, or None where they cannot be compared."""
    if a.sha256[i] and a.sha256[i] == b.sha256[j]:
        return (False, 0)
    if {i} & {*a.unreadable, *a.flat} or {j} & {*b.unreadable, *b.flat}:
        return None
    return (True, (int(a.phash[i]) ^ int(b.phash[j])).bit_count())


def nearest(a, i, b, candidates, max_distance):
    ranked = [(*c, j) for j in candidates if (c := closeness(a, i, b, j)) and c[1] <= max_distance]
    return min(ranked, default=None)


@settings(deadline=None)
@given(SPLITS, SPLITS, st.integers(0, 8), st.sampled_from([1, 7, 1 << 18]))
def test_every_image_with_a_counterpart_is_paired_with_its_nearest(left, right, max_distance, cells):
    a, b = made(left), made(right)
    forth = [(i, nearest(a, i, b, range(len(right)), max_distance)) for i in range(len(left))]
    back = [(nearest(b, j, a, range(len(left)), max_distance), j) for j in range(len(right))]
    expected = {Pair(i, n[2], n[1], not n[0]) for i, n in forth if n}
    expected |= {Pair(n[2], j, n[1], not n[0]) for n, j in back if n}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(leaks, "CELLS", cells)
        assert find_pairs(a, b, max_distance) == sorted(expected)


@settings(deadline=None)
@given(SPLITS, st.integers(0, 8), st.sampled_from([1, 7, 1 << 18]))
def test_within_a_split_each_repetition_is_paired_with_an_earlier_image(split, max_distance, cells):
    a = made(split)
    found = [(nearest(a, i, a, range(i), max_distance), i) for i in range(len(split))]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(leaks, "CELLS", cells)
        pairs = find_pairs_within(a, max_distance)
    assert pairs == sorted(Pair(n[2], i, n[1], not n[0]) for n, i in found if n)


def test_identical_files_are_found_within_a_split(tmp_path):
    found = save(tmp_path / "a", [SCENES[0], SCENES[1], SCENES[0], SCENES[2], SCENES[0]])
    assert find_pairs_within(found) == [Pair(0, 2, 0, True), Pair(0, 4, 0, True)]


def test_memory_is_bounded_where_everything_looks_alike():
    a, b = fingerprints_of([5] * 20_000), fingerprints_of([5] * 2_000)
    tracemalloc.start()
    pairs = find_pairs(a, b)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(pairs) <= 22_000 and {p.train for p in pairs} == set(range(20_000))
    assert {p.other for p in pairs} == set(range(2_000)) and peak < 40e6  # a table of all would take 320 MB
