import hashlib
from dataclasses import replace

import numpy as np
import pytest

from datasets.errors import InputError
from datasets.orders.ranking import Ranking, ranked_order, read_ranking
from tests.datasets.labelled import annotate

NAMES = ["b/1.jpg", "a.jpg", "a.png", "30.jpg"]
IMAGES = replace(annotate([{}] * 4, names=NAMES, ids=[30, 20, 10, 5]), source="train.json")


def _rank(path):
    return ranked_order(IMAGES, read_ranking(path)).tolist()


@pytest.mark.parametrize(("content", "order"), [
    ("a.png\nb/1.jpg\n30.jpg\na.jpg\n", [2, 0, 3, 1]),
    ("  a.png \r\n\r\nb/1\r\n30\r\na.jpg", [2, 0, 3, 1]),
    ("10\n20\n30\n5", [2, 1, 0, 3]),
    ('["a.png", "b/1", "30", "a.jpg"]', [2, 0, 3, 1]),
    ("[10, 20, 30, 5]\n", [2, 1, 0, 3]),
    ("\ufeffa.png\nb/1.jpg\n30.jpg\na.jpg\n", [2, 0, 3, 1]),
], ids=["names", "without extension", "ids", "JSON names", "JSON ids", "byte order mark"])
def test_images_come_as_they_are_ranked(save, content, order):
    assert _rank(save(content)) == order


@pytest.mark.parametrize(("content", "message"), [
    ("", "ranks no images; write one"),
    ("\n \n", "ranks no images"),
    ("[]", "ranks no images"),
    ("[1.5]", "not a list of file names or image ids .*float"),
    ("[true]", "not a list of file names or image ids .*bool"),
    ('["a.jpg", ]', "not a list of file names or image ids"),
    ("a.jpg\na.png\nb/2.jpg\n30.jpg", r"image 3, 'b/2\.jpg', is not in train.json; did you mean 'b/1\.jpg'"),
    ("a\na.png\nb/1\n30", r"image 1, 'a', is not in train.json; valid: .*a\.jpg, a\.png"),
    ("10\n20\n31\n5", "image 3, '31', is not in train.json; did you mean '30'"),
    ("a.jpg\n30.jpg\na.png\nb/1\nb/1.jpg", r"images 4 and 5 are both 'b/1\.jpg'; keep one"),
    ("a.jpg\n30.jpg", r"2 images of train.json have no rank, the first is 'b/1\.jpg'; add them"),
])
def test_a_ranking_that_does_not_fit_is_refused(save, content, message):
    with pytest.raises(InputError, match=rf"a\.json: {message}"):
        _rank(save(content))


def test_a_file_that_is_no_text_is_refused(tmp_path):
    (tmp_path / "ranking").write_bytes(b"a.jpg\n\xff.jpg")
    with pytest.raises(InputError, match=r"ranking: not UTF-8 text \(invalid start byte at byte 6\)"):
        read_ranking(tmp_path / "ranking")
    with pytest.raises(InputError, match="absent: No such file"):
        read_ranking(tmp_path / "absent")


def test_the_checksum_is_the_files(save):
    path = save("a.jpg\n")
    assert read_ranking(path).checksum == hashlib.sha256(b"a.jpg\n").hexdigest()


def test_images_left_out_may_be_named_though_their_ids_are_the_names_of_others():
    """Ids by rank, as YOLO's are: 10.jpg has the id 2, and 2.jpg the id 3."""
    whole = annotate([{}] * 3, names=["1.jpg", "10.jpg", "2.jpg"], ids=[1, 2, 3])
    kept, left_out = whole.take(np.array([0, 2])), whole.take(np.array([1]))
    ranking = Ranking(("2", "10", "1"), "ranking.txt", "", left_out)
    assert ranked_order(kept, ranking).tolist() == [1, 0]
    with pytest.raises(InputError, match="have no rank, the first is '1.jpg'"):
        ranked_order(kept, Ranking(("2", "10"), "ranking.txt", "", left_out))
