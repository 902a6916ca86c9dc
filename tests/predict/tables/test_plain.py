import numpy as np
import pytest

from datasets.errors import InputError
from predict.tables.plain import metrics_of, read_plain
from predict.tables.rows import Sheet

WIDE = "images,ssd,frcnn\n100,10,20\n1000,30,40\n"
LONG = """model,dataset,n_images,metric,value,stderr
ssd,coco,100,AP50:95,0.1,0.01
ssd,coco,1000,AP50:95,0.3,
ssd,coco,100,AP50,0.2,
ssd,coco,1000,AP50,0.5,
"""
NAN = np.nan


def read(sheet: Sheet, metric=None, per_class=False, unit=None, whole=None):
    return read_plain(sheet, metric, per_class, unit, whole)


def points(curve):
    return dict(zip(curve.images.tolist(), np.round(curve.values, 12).tolist()))


@pytest.mark.parametrize("text", [
    "images,mAP\n100,0.1\n1000,0.3\n",
    "mAP,images\n0.1,100\n0.3,1000\n",
    "100,0.1\n1000,0.3\n",
    "100;10,0\n1000;30,0\n",
    "images,mAP\n100,10 %\n1000,30 %\n",
    "images,mAP (%)\n100,10\n1000,30\n",
    "images;mAP\n100;10 ± 1\n1.000;30,0 ± 0,5\n",
    "epoch,images,mAP,loss,note\n9,100,0.1,3.5,fine\n9,1000,0.3,2.5,\n",
    "curve,images,mAP\na,100,0.1\na,1000,0.3\n",
    "model;images;value\nssd;100;0,1\nssd;1.000;0,3\n",
    "model,100,1000\nssd,0.1,0.3\n",
    ",images,mAP\n0,100,0.1\n1,1000,0.3\n",
    "images,mAP\n0,0\n100,0.1\n1000,0.3\n",
    "images,class,mAP\n100,cat,0.9\n100,all,0.1\n1000,all,0.3\n",
])
def test_one_curve_in_many_tables(sheet, text):
    (curve,) = read(sheet(text))
    assert points(curve) == {100: 0.1, 1000: 0.3}
    assert any("values are" in note for note in curve.notes) and curve.metric == "mAP"


def test_a_column_per_curve(sheet):
    one, two = read(sheet(WIDE))
    assert (one.name, one.dataset, one.detector) == ("ssd", "", "ssd")
    assert points(two) == {100: 0.2, 1000: 0.4} and np.isnan(two.stderr).all()


@pytest.mark.parametrize("header, pairs", [
    ("BDD_ssd,BDD_frcnn,COCO_ssd", [("BDD", "ssd"), ("BDD", "frcnn"), ("COCO", "ssd")]),
    ("BDD_ssd_v2,BDD_frcnn,COCO_ssd_v2", [("BDD", "ssd_v2"), ("BDD", "frcnn"), ("COCO", "ssd_v2")]),
    ("yolo_s,yolo_m,yolo_l", [("", "yolo_s"), ("", "yolo_m"), ("", "yolo_l")]),  # nothing shares a rest
    ("BDD_ssd,COCO_ssd,VOC_ssd", [("", "BDD_ssd"), ("", "COCO_ssd"), ("", "VOC_ssd")]),  # nothing shares a prefix
    ("BDD_ssd,BDD_frcnn,ssd", [("", "BDD_ssd"), ("", "BDD_frcnn"), ("", "ssd")]),
    ("yolo_s,ssd,frcnn", [("", "yolo_s"), ("", "ssd"), ("", "frcnn")]),
])
def test_headers_are_data_set_and_detector_where_they_form_a_grid(sheet, header, pairs):
    curves = read(sheet(f"images,{header}\n100,10,20,30\n1000,30,40,50\n"))
    assert [(c.dataset, c.detector) for c in curves] == pairs
    assert [c.name for c in curves] == header.split(",")


def test_error_bars_stand_in_columns_or_cells_in_the_unit_of_the_values(sheet):
    one, two = read(sheet("images,a,a stderr,b\n100,10,1,20 ± 2\n1000,30,,40\n"))
    assert one.stderr == pytest.approx([0.01, NAN], nan_ok=True)
    assert two.stderr == pytest.approx([0.02, NAN], nan_ok=True)
    (curve,) = read(sheet("images,a,std\n100,10,1\n1000,30,2\n"))
    assert curve.stderr.tolist() == [0.01, 0.02] and "'std' is taken as the standard error" in curve.notes


def test_a_row_per_point_with_metrics(sheet):
    ap, ap50 = read(sheet(LONG))
    assert (ap.name, ap.metric, ap.dataset) == ("coco ssd AP", "AP", "coco") and ap50.metric == "AP50"
    assert metrics_of(sheet(LONG)) == ["AP", "AP50"]
    (one,) = read(sheet(LONG), "AP50")
    assert (one.name, one.detector) == ("coco ssd", "ssd") and points(one) == {100: 0.2, 1000: 0.5}
    assert "curves of other metrics left out: AP; name one (--metric) to read it" in one.notes
    with pytest.raises(InputError, match="table.csv: no values of metric 'AP5'; did you mean 'AP50'"):
        read(sheet(LONG), "AP5")


def test_columns_of_metrics(sheet):
    assert [c.metric for c in read(sheet("images,AP,mAP@0.5\n100,0.1,0.2\n1000,0.3,0.5\n"))] == ["AP", "AP50"]
    assert [c.name for c in read(sheet("model,images,AP,AP50\nssd,100,0.1,0.2\nssd,1000,0.3,0.5\n"))] == [
        "ssd AP", "ssd AP50"]
    assert metrics_of(sheet("images,AP,AP50\n100,0.1,0.2\n")) == []


@pytest.mark.parametrize("asked, metric", [("AP50", "AP50"), ("mAP@[.5:.95]", "AP"), ("F1", "F1"), ("mAP", "mAP")])
def test_a_metric_that_the_table_does_not_tell_is_the_one_asked_for(sheet, asked, metric):
    curves = read(sheet(WIDE), asked)
    assert [c.metric for c in curves] == [metric, metric]
    assert (f"the columns are taken as {metric} (--metric)" in curves[0].notes) == (metric != "mAP")


def test_a_metric_that_the_table_tells_goes_before_columns_that_do_not(sheet):
    text = "images,mAP,AP50\n100,10,20\n1000,30,40\n"
    (told,) = read(sheet(text), "AP50")
    assert points(told) == {100: 0.2, 1000: 0.4} and any("left out: mAP" in note for note in told.notes)
    (taken,) = read(sheet(text), "AP")
    assert points(taken) == {100: 0.1, 1000: 0.3} and taken.metric == "AP"
    with pytest.raises(InputError, match="table.csv: no values of metric 'AP'; did you mean 'AP50'"):
        read(sheet("images,AP50\n100,20\n1000,40\n"), "AP")


def test_detectors_that_name_several_curves_go_by_the_curve(sheet):
    text = "curve_id,model,images,mAP\na,ssd,100,0.1\na,ssd,1000,0.2\nb,ssd,100,0.3\nb,ssd,1000,0.4\n"
    assert [(c.name, c.detector) for c in read(sheet(text))] == [("a", "a"), ("b", "b")]
    assert [(c.name, c.detector) for c in read(sheet(text.replace("b,ssd", "b,fpn")))] == [("a", "ssd"), ("b", "fpn")]


def test_seeds_draws_boxes_and_seconds(sheet):
    text = "images,fold,seed,mAP,boxes,seconds\n100,0,0,0.1,500,3\n100,0,1,0.12,500,4\n1000,0,0,0.3,,\n"
    (curve,) = read(sheet(text))
    assert (curve.draws, curve.seeds) == (("0", "0", "0"), ("0", "1", "0"))
    assert curve.boxes[:2].tolist() == [500, 500] and curve.seconds[0] == 3 and np.isnan(curve.boxes[2])


@pytest.mark.parametrize("sizes", ["percent,a\n1,10\n10,20\n100,30\n", "part,a\n1 %,10\n10 %,20\n100 %,30\n",
                                   "fraction,a\n0.01,10\n0.1,20\n1,30\n", "model,1 %,10 %,100 %\na,10,20,30\n"])
def test_shares_alone_are_sizes_in_per_cent_unless_the_whole_is_given(sheet, sizes):
    (curve,) = read(sheet(sizes))
    assert points(curve) == {1: 0.1, 10: 0.2, 100: 0.3} and (curve.sizes, curve.whole) == ("per cent", 100)
    assert any("--whole N" in note for note in curve.notes)
    (curve,) = read(sheet(sizes), whole=5000)
    assert points(curve) == {50: 0.1, 500: 0.2, 5000: 0.3} and (curve.sizes, curve.whole) == ("images", 5000)


@pytest.mark.parametrize("share, whole", [("10", 10_000), ("0.1", 10_000)])
def test_shares_beside_images_tell_the_whole(sheet, share, whole):
    assert read(sheet(f"fraction,images,a\n{share},1000,30\n"))[0].whole == whole


def test_classes_come_when_asked_or_when_there_is_nothing_else(sheet):
    text = "images,class,AP\n100,cat,0.1\n1000,cat,0.3\n100,dog,0.2\n1000,dog,0.4\n"
    assert [c.category for c in read(sheet(text))] == ["cat", "dog"]
    text += "100,all,0.15\n1000,all,0.35\n"
    assert [c.category for c in read(sheet(text))] == [""]
    assert [c.category for c in read(sheet(text), per_class=True)] == ["cat", "dog", ""]


def test_what_is_left_out_is_named(sheet):
    (curve,) = read(sheet("curve,images,value,source,use\na,100,10,x,fit\na,1000,30,y,score\n"))
    assert "columns left out: source, use" in curve.notes
    (curve,) = read(sheet("images,mAP,\n0,0,\n100,0.1,\n1000,0.3,\n"))
    assert curve.notes[0] == "the row of 0 images was dropped: it was not measured" and len(curve.notes) == 2


@pytest.mark.parametrize("rows, said", [
    ("100,0.1,nan\n1000,0.3,0.4\n", "1 cell without a value left out: 'nan' in line 2"),
    ("100,0.1,0.2\n1000,n/a,-\n", "2 cells without a value left out: 'n/a' in line 3, ..."),
    ("100,0.1,\n1000,0.3,0.4\n", ""),
])
def test_cells_that_say_that_they_are_empty_are_counted(sheet, rows, said):
    notes = [note for note in read(sheet("images,a,b\n" + rows))[0].notes if "without a value" in note]
    assert notes == [said] * bool(said)


@pytest.mark.parametrize("cells, doubt", [
    (("20%", "0.25"), True), (("20 %", "0.9 ± 0.1"), True), (("20%", "25"), False), (("20%", "25%"), False),
    (("0", "25%"), False), (("20%", "nan"), False)])
def test_per_cent_signs_beside_what_may_be_fractions_ask_for_the_unit(sheet, cells, doubt):
    table = sheet("images,a\n100,{}\n1000,{}\n".format(*cells))
    if doubt:
        with pytest.raises(InputError, match=r"table.csv:3: column 'a': 0\.\S+( ± 0.1)? beside cells with a per cent "
                                             r"sign; .* give --unit points"):
            read(table)
    assert read(table, unit="points")[0].values[-1] <= 0.25


@pytest.mark.parametrize("text, said", [
    ("images,mAP\n100,many\n", "table.csv:2: column 'mAP': 'many' is not a number"),
    ("images,mAP\n100,0.1\n-5,0.2\n", "table.csv:3: mAP: the size must be"),
    ("images,mAP\n100,0.1\n,0.2\n", "table.csv:3: mAP: the size must be"),
    ("images,mAP\n100,-0.1\n", "table.csv:2: mAP: -0.1 is no mAP"),
    ("images,mAP\n100,250\n", "table.csv:2: mAP: 250 is no mAP; expected 0 to 1"),
    ("images,mAP\n100,inf\n", "is not a number"),
    ("images,mAP\n100,\n", "column 'mAP' has no values"),
    ("images,mAP,stderr\n100,0.1,-1\n", "table.csv:2: mAP: a standard error cannot be negative"),
    ("curve,n,metric,value\na,100,error/loss,0.9\n", "has no values that rise with more images"),
    ("images,seed,mAP\n100,0,0.1\n100,0,0.12\n", "table.csv:3: mAP: 0.12 for 100 images, seed 0, but line 2 has"),
    ("percent,mAP\n10,0.1\n150,0.2\n", "table.csv:3: 150 % is more than the whole"),
    ("images,mAP\n100,0.5\n1000,1.5\n", "--unit"),
])
def test_what_is_no_learning_curve_is_refused_with_its_place(sheet, text, said):
    with pytest.raises(InputError, match=said):
        read(sheet(text))


def test_the_unit_is_the_users_where_it_is_given(sheet):
    assert read(sheet("images,mAP\n100,0.5\n1000,1.5\n"), unit="points")[0].values.tolist() == [0.005, 0.015]
