import numpy as np
import pytest

from datasets.errors import InputError
from predict.comparison import Measured, bars_note, charts_of, errors_of, read_measured, wide_note
from predict.observations import average_repeats
from predict.tables import PUBLISHED_2019, Curve
from tests.predict.results import write_results


@pytest.fixture
def measured():
    def make(images, values, metric="AP", stderr=None, **labels):
        images, values = np.array(images, dtype=float), np.array(values, dtype=float)
        known = np.full(len(images), np.nan) if stderr is None else np.full(len(images), stderr)
        curve = Curve("c", images, values, known, metric, whole=images.max(), **labels)
        return Measured("digits", "ssd", curve, average_repeats(curve))

    return make


def names(found, metric="AP"):
    return list(dict.fromkeys((m.dataset, m.detector) for m in found if m.metric == metric))


def test_a_table_gives_the_metric_the_loss_and_the_classes(tmp_path):
    found = read_measured([write_results(tmp_path / "results.csv")], ["AP"])
    assert names(found) == names(found, "loss") == [(d, n) for d in ("digits", "street") for n in ("ssd", "fpn")]
    assert {m.category for m in found if m.metric == "AP"} == {"", "one", "two"}
    assert {m.category for m in found if m.metric == "loss"} == {""}
    assert {len(m.observed) for m in found} == {4}


def test_wide_tables_alone_call_their_metric_map():
    found = read_measured([PUBLISHED_2019], ["AP50"])
    detectors = ("ssd_mobilenet_v2", "ssd_resnet101_v1_fpn")
    assert names(found, "mAP") == [(dataset, detector) for dataset in ("BDD", "COCO") for detector in detectors]
    assert len(found) == 4


def test_a_wide_table_beside_others_keeps_its_map(tmp_path):
    found = read_measured([write_results(tmp_path / "results.csv"), PUBLISHED_2019], ["AP"])
    metrics = {dataset: {m.metric for m in found if m.dataset == dataset} for dataset in ("digits", "BDD", "COCO")}
    assert metrics == {"digits": {"AP", "loss"}, "BDD": {"mAP"}, "COCO": {"mAP"}}
    assert len([m for m in found if m.metric == "mAP"]) == 4
    assert wide_note(found).startswith("BDD, COCO: mAP of a table that does not name its metric")
    assert wide_note([m for m in found if m.metric != "AP"]) == wide_note([m for m in found if m.metric != "mAP"]) == ""


@pytest.mark.parametrize("metrics, charts", [
    (["mAP", "AP50", "AP"], [("AP50",), ("AP", "mAP")]),
    (["AP50", "mAP"], [("AP50",), ("mAP",)]),
    (["AP"], [("AP",)]),
])
def test_map_shares_the_charts_of_ap_and_of_nothing_else(metrics, charts):
    assert charts_of(metrics) == charts


def test_columns_that_name_no_detector_are_detectors_on_the_tables_data(tmp_path):
    path = tmp_path / "mine.csv"
    path.write_text("images,yolo,ssd\n100,0.1,0.2\n1000,0.3,0.4\n")
    assert names(read_measured([path], ["AP"]), "mAP") == [("mine", "yolo"), ("mine", "ssd")]


def test_the_same_curve_of_two_tables_is_told_apart_by_study_or_file(tmp_path):
    paths = [write_results(tmp_path / study / "results.csv", ["ssd"], [data]) for study, data in
             (("old", "digits"), ("new", "digits"), ("third", "street"))]
    assert names(read_measured(paths, ["AP"])) == [("digits", "ssd (old)"), ("digits", "ssd (new)"), ("street", "ssd")]
    same = [write_results(tmp_path / where / "x/results.csv", ["ssd"], ["digits"], loss=False) for where in "ab"]
    assert names(read_measured(same, ["AP"])) == [("digits", f"ssd ({path})") for path in same]


def test_recipes_are_told_apart(tmp_path):
    path = write_results(tmp_path / "results.csv", ["ssd"], ["digits"])
    other = write_results(tmp_path / "other.csv", ["ssd"], ["digits"], recipe="study2019")
    path.write_text(path.read_text() + "".join(other.read_text().splitlines(keepends=True)[1:]))
    assert names(read_measured([path], ["AP"])) == [("digits", "ssd, scaled"), ("digits", "ssd, study2019")]


@pytest.mark.parametrize("tables, metrics, said", [
    (["a.csv", "a.csv"], ["AP"], "a table is given twice"),
    (["a.csv"], ["AP51"], "no values of metric 'AP51'; did you mean 'AP'"),
    (["a.csv"], ["loss"], "--metric loss"),
    (["absent.csv"], ["AP"], "absent.csv: No such file"),
])
def test_what_cannot_be_compared_is_refused(tmp_path, tables, metrics, said):
    write_results(tmp_path / "a.csv")
    with pytest.raises(InputError, match=said):
        read_measured([tmp_path / name for name in tables], metrics)


def test_a_negative_loss_is_refused_with_its_place(tmp_path):
    path = write_results(tmp_path / "results.csv", ["ssd"], ["digits"], repeats=(1, 1), classes=())
    path.write_text(path.read_text().replace("loss,,", "loss,,-"))
    with pytest.raises(InputError, match="results.csv:3: .* is no loss"):
        read_measured([path], ["AP"])


def test_errors_are_one_minus_ap_and_the_loss_itself(measured):
    ap, loss = measured([10, 20], [0.2, 0.4], stderr=0.01), measured([10, 20], [7.5, 5], "loss")
    assert errors_of(ap).values.tolist() == [0.8, 0.6] and errors_of(ap).quantity == "1 - AP"
    assert errors_of(ap).log_stderr == pytest.approx([0.01 / 0.8, 0.01 / 0.6])
    assert errors_of(loss).values.tolist() == [7.5, 5] and errors_of(loss).quantity == "loss"


def test_errors_have_the_intervals_of_their_values(measured):
    own = np.array([[0.1, 0.5], [0.3, 0.45]])
    ap, loss = (measured([10, 20], values, metric, interval_80=interval) for values, metric, interval in
                (([0.2, 0.4], "AP", own), ([7.5, 5], "loss", 10 * own)))
    assert errors_of(ap).interval_80 == pytest.approx(np.array([[0.5, 0.9], [0.55, 0.7]]))
    assert errors_of(loss).interval_80 == pytest.approx(10 * own)
    assert errors_of(ap, up_to=50).interval_80.shape == (1, 2)


def test_what_no_power_law_can_hold_is_left_out_and_named(measured):
    found = errors_of(measured([10, 100, 1000, 10_000], [0, 0.5, 0.9, 1]))
    assert found.images.tolist() == [100, 1000]
    assert found.left_out == ("10 images, AP of 0", "10,000 images, AP of 1")
    assert errors_of(measured([10, 100], [0, 3], "loss")).left_out == ("10 images, loss of 0",)


def test_fits_can_stop_at_a_share(measured):
    assert errors_of(measured([10, 100, 1000], [0.1, 0.2, 0.3]), up_to=10).images.tolist() == [10, 100]


@pytest.mark.parametrize("images, stderr, draws, seeds, said", [
    ([10, 100], None, "", "", "none, the table has neither standard errors nor repeats"),
    ([10, 100], 0.01, "00", "00", "validation noise only (no draws, no seeds)"),
    ([10, 10, 100], 0.01, "010", "000", "validation noise, draws at 10 % (no seeds)"),
    ([10, 10, 10, 100], 0.01, "0010", "0100", "validation noise, draws and seeds at 10 %"),
    ([1, 1, 1, 10, 10, 100], 0.01, "001010", "010000", "validation noise, draws up to 10 %, seeds at 1 %"),
    ([10, 10, 100, 100], None, "0000", "0101", "seeds (no draws, no validation noise)"),
    ([10, 100, 100], 0.01, "000", "001", "validation noise, seeds at 1 of 2 sizes (no draws)"),
    ([10, 10, 100], None, "", "", "repeats at 10 % (no validation noise)"),
])
def test_captions_say_what_bars_hold(measured, images, stderr, draws, seeds, said):
    one = measured(images, [0.1] * len(images), stderr=stderr, draws=tuple(draws), seeds=tuple(seeds))
    assert bars_note([one]) == f"80 % bars: {said}."
    assert bars_note([one, one], " of 1 - AP") == f"80 % bars of 1 - AP: {said}."


def test_captions_name_the_curves_where_bars_differ(tmp_path):
    paths = [write_results(tmp_path / "a.csv", datasets=["digits"]),
             write_results(tmp_path / "b.csv", ["ssd"], ["street"], stderr="", repeats=(1, 1)),
             write_results(tmp_path / "c.csv", ["fpn"], ["street"])]
    found = [m for m in read_measured(paths, ["AP"]) if m.metric == "AP" and not m.category]
    assert bars_note(found) == (
        "80 % bars. digits, street fpn: validation noise, draws and seeds at 1 %. "
        "street ssd: none, the table has neither standard errors nor repeats.")
