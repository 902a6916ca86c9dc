import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from datasets.errors import InputError
from predict.tables import PUBLISHED_2019, read_curves, read_metrics

LITERATURE = PUBLISHED_2019.with_name("detection_literature.csv")
CELLS = st.sampled_from(["", "images", "mAP", "AP50", "value", "curve", "a", "b", "%", "stderr", "seed", "percent", "0",
                         "100", "1,000", "0.1", "0,1", "12,5", "-3", "1e400", "nan", "5 %", "9 ± 1", '"', "±", "x y"])


def test_published_table_has_four_curves_without_the_invented_row():
    curves = read_curves(PUBLISHED_2019)
    assert [c.dataset for c in curves] == ["BDD", "BDD", "COCO", "COCO"]
    assert curves[2].detector == "ssd_mobilenet_v2"
    assert all(len(c.images) == 10 and c.images[0] == 1182 and c.whole == 118287 for c in curves)
    assert curves[3].values[[0, -1]].tolist() == [0.191, 0.439]
    assert "row of 0 images" in curves[0].notes[0] and "fractions" in curves[0].notes[1]
    assert read_metrics(PUBLISHED_2019) == []


def test_curves_of_the_literature_are_ten_of_two_metrics():
    curves = read_curves(LITERATURE)
    assert len(curves) == 10 and read_metrics(LITERATURE) == ["AP", "LEVEL_2 AP"]
    assert len({c.detector for c in curves}) == 10 and {c.metric for c in curves[:8]} == {"AP"}
    assert curves[0].name == "coco_he2019_pretrain" and curves[0].dataset == "COCO train2017"
    assert curves[0].images.tolist() == [1000, 3500, 10000, 35000, 118287]
    assert curves[0].values == pytest.approx([0.099, 0.16, 0.26, 0.363, 0.411])
    assert all("points" in c.notes[-1] and c.source == str(LITERATURE) for c in curves)
    assert len(read_curves(LITERATURE, "AP")) == 8


@settings(max_examples=300, deadline=None)
@given(st.lists(st.lists(CELLS, min_size=1, max_size=5), max_size=6), st.sampled_from(",;\t "),
       st.sampled_from([None, "points", "fraction"]), st.sampled_from([None, 5000.0]))
def test_any_text_is_curves_or_one_line_that_names_the_file(tmp_path_factory, rows, delimiter, unit, whole):
    path = tmp_path_factory.getbasetemp() / "fuzz.csv"
    path.write_text("\n".join(delimiter.join(row) for row in rows), encoding="utf-8")
    for per_class in (False, True):
        try:
            curves = read_curves(path, unit=unit, whole=whole, per_class=per_class)
        except InputError as error:
            assert "fuzz.csv" in str(error)
            continue
        assert curves and len({c.name for c in curves}) == len(curves)
        assert all(len(c.images) and ((c.values >= 0) & (c.values <= 1)).all() for c in curves)
        assert all(np.isfinite(c.images).all() and c.whole > 0 for c in curves)
