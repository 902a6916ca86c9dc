import io

import numpy as np
import pytest
from PIL import Image, ImageOps

from datasets.errors import InputError
from datasets.orientation import as_annotated, boxes_as_stored, orientation_of, read_size


def tag(orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    return {"exif": exif}


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp"])
@pytest.mark.parametrize(("orientation", "size"), [(1, (30, 20)), (3, (30, 20)), (6, (20, 30)), (8, (20, 30)),
                                                   (5, (20, 30)), (9, (30, 20)), (0, (30, 20))])
def test_the_size_is_that_of_the_display(tmp_path, suffix, orientation, size):
    image = Image.new("RGB", (30, 20))
    image.save(tmp_path / f"a.{suffix}", **tag(orientation))
    expected = orientation if 1 <= orientation <= 8 else 1
    assert read_size(tmp_path / f"a.{suffix}") == (*size, expected)


@pytest.mark.filterwarnings("ignore:Corrupt EXIF")
@pytest.mark.parametrize("exif", [b"", b"Exif\0\0", b"Exif\0\0garbage", b"Exif\0\0II*\0\xff\xff\xff\xff"])
def test_damaged_exif_is_ignored(tmp_path, exif):
    Image.new("RGB", (30, 20)).save(tmp_path / "a.jpg", exif=exif)
    assert read_size(tmp_path / "a.jpg") == (30, 20, 1)


def test_a_header_is_enough(tmp_path):
    Image.effect_noise((300, 200), 90).save(tmp_path / "a.jpg")
    content = (tmp_path / "a.jpg").read_bytes()
    (tmp_path / "a.jpg").write_bytes(content[:700])
    assert read_size(tmp_path / "a.jpg") == (300, 200, 1)


@pytest.mark.parametrize("content", [b"", b"text", b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"BM" + bytes(60)])
def test_what_is_no_image_is_named(tmp_path, content):
    (tmp_path / "a.jpg").write_bytes(content)
    with pytest.raises(InputError, match=r"a\.jpg: cannot be opened as an image") as error:
        read_size(tmp_path / "a.jpg")
    assert "\n" not in str(error.value)


def test_only_the_size_of_the_display_turns_a_picture():
    stored = io.BytesIO()
    image = Image.linear_gradient("L").resize((30, 20))
    image.save(stored, "PNG", **tag(6))
    image = Image.open(stored)
    turned = as_annotated(image, 20, 30)
    assert np.array_equal(np.asarray(turned), np.rot90(np.asarray(image), -1))
    assert as_annotated(image, 30, 20) is image and as_annotated(image, 40, 60) is image
    assert as_annotated(turned, 30, 20) is turned  # without a tag there is no reason to


@pytest.mark.parametrize("orientation", range(1, 9))
def test_boxes_follow_the_pixels(orientation):
    """A white rectangle on the displayed picture is where its box, turned back, says in the stored one."""
    pixels = np.zeros((20, 30), np.uint8)
    pixels[3:8, 6:27] = 255
    stored = io.BytesIO()
    Image.fromarray(pixels).save(stored, "PNG", **tag(orientation))
    displayed = np.asarray(ImageOps.exif_transpose(Image.open(stored)))
    found = boxes_as_stored(find_white(displayed)[None], np.array([orientation]))
    np.testing.assert_allclose(found[0], find_white(pixels), atol=1e-12)
    assert orientation_of(Image.open(stored)) == orientation


def find_white(pixels):
    """Return the centre and size of the white rectangle as fractions of the picture."""
    rows, columns = (np.flatnonzero(pixels.any(axis=axis)) for axis in (1, 0))
    low, high = np.array([columns[0], rows[0]]), np.array([columns[-1], rows[-1]]) + 1
    return np.concatenate([(low + high) / 2, high - low]) / np.tile(pixels.shape[::-1], 2)
