import pytest

from datasets.errors import InputError
from predict.tables.columns import find_columns, in_points, metric_of


@pytest.mark.parametrize("name, metric", [
    ("AP", "AP"), ("AP50:95", "AP"), ("AP50:95 val2017", "AP"), ("mAP@.5:.95", "AP"), ("mAP@[.50:.95]", "AP"),
    ("AP@[IoU=0.50:0.95]", "AP"), ("mAP@[0.5:0.05:0.95]", "AP"), ("mAP50-95", "AP"), ("metrics/mAP50-95(B)", "AP"),
    ("mAP_0.5:0.95", "AP"), ("AP50", "AP50"), ("mAP@0.5", "AP50"), ("mAP@.5", "AP50"), ("mAP50(B)", "AP50"),
    ("ssd AP50", "AP50"), ("ssd_mAP@0.5", "AP50"), ("AP@0.75", "AP75"), ("AP (%)", "AP"),
    ("mAP", "mAP"), ("mAP (%)", "mAP"), ("map pts", "mAP"), ("loss", "loss"),
    ("LEVEL_2 AP", ""), ("ssd300", ""), ("ssd_mAP", ""), ("APs", ""), ("cap50", ""), ("mAP@[.6:.95]", ""),
    ("value", ""),
])
def test_metrics_are_recognised_by_their_thresholds(name, metric):
    assert metric_of(name) == metric


@pytest.mark.parametrize("name, said", [("mAP (%)", True), ("value_pts", True), ("AP [points]", True), ("mAP", False)])
def test_headers_that_say_points(name, said):
    assert in_points(name) is said


@pytest.mark.parametrize("header, size, share, values", [
    ("images,mAP", 0, None, [1]),
    ("mAP,images", 1, None, [0]),
    ("Percentage from dataset,Number of images,a,b", 1, 0, [2, 3]),
    ("Bilder,mAP", 0, None, [1]),
    (",a,b", 0, None, [1, 2]),
    ("fraction,mAP", None, 0, [1]),
    ("images (%),mAP (%)", None, 0, [1]),
    ("n_train,images per second,mAP", 0, None, [2]),
    ("images,epochs,mAP,val loss,notes", 0, None, [2]),
    ("curve_id,source,model,fraction_pct,n_images,metric,value_pts,use", 4, 3, [6]),
    ("model,size,AP,AP50,lr", 1, None, [2, 3]),
    ("model,size,whatever", 1, None, [2]),
])
def test_columns_are_found_by_their_headers(sheet, header, size, share, values):
    found = find_columns(sheet(header + "\n" + ",".join(["0.5"] * (header.count(",") + 1)) + "\n"))
    assert (found.size, found.share, found.values) == (size, share, values)


def test_sizes_with_per_cent_signs_are_shares(sheet):
    found = find_columns(sheet("subset,mAP\n1 %,0.1\n10 %,0.3\n"))
    assert (found.size, found.share) == (None, 0)


@pytest.mark.parametrize("header, errors", [
    ("images,a,a stderr,b,b_se", {1: 2, 3: 4}),
    ("images,a,b,b ±,a ±", {1: 4, 2: 3}),
    ("images,a,±,b,±", {1: 2, 3: 4}),
    ("model,images,mAP,stderr", {2: 3}),
    ("images,a,c stderr", {}),
])
def test_error_bars_belong_to_the_column_they_name_or_follow(sheet, header, errors):
    text = ",".join(["0.5"] * (header.count(",") + 1))
    assert find_columns(sheet(f"{header}\n{text}\n")).errors == errors


def test_standard_deviations_are_told_from_standard_errors(sheet):
    assert find_columns(sheet("images,a,std\n1,2,3\n")).spreads == [2]
    assert find_columns(sheet("images,a,stderr\n1,2,3\n")).spreads == []


@pytest.mark.parametrize("text, said", [
    ("images\n100\n200\n", "table.csv:1: no column of values beside 'images'; give one column per curve"),
    ("images,loss\n100,3\n", "table.csv:1: column 'loss' falls with more images, .*; give mAP, or 1 - error"),
    ("images,test error\n100,0.3\n", "column 'test error' falls with more images"),
    ("images,mAP,mAP\n100,0.1,0.2\n", "table.csv:1: two columns are called 'mAP'; rename one"),
])
def test_tables_without_values_or_with_two_columns_of_one_name_are_refused(sheet, text, said):
    with pytest.raises(InputError, match=said):
        find_columns(sheet(text))
