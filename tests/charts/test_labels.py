import pytest

from charts.labels import NAME, short_names

ENDS = ("coco_train2017_experiment_", "_mask_rcnn_resnet50_fpn_long_schedule_with_augmentation")


@pytest.mark.parametrize("names, texts", [
    (["BDD_ssd_mobilenet_v2", "COCO_ssd_mobilenet_v2"], ["BDD_ssd_mobilenet_v2", "COCO_ssd_mobilenet_v2"]),
    ([f"{ENDS[0]}a0{ENDS[1]}", f"{ENDS[0]}b1{ENDS[1]}"], ["…a0…", "…b1…"]),
    ([f"{ENDS[0]}r50{ENDS[1]}", f"{ENDS[0]}r101{ENDS[1]}"], ["…r50…", "…r101…"]),  # words stay whole
    ([ENDS[0] + "x" * 40], ["coco_train2017_e…xxxxxxxxxxxxxxx"]),
    (["costs $5"], [r"costs \$5"]),
    ([], []),
])
def test_names_lose_what_they_share_where_they_are_too_long(names, texts):
    assert list(short_names(names).values()) == texts


@pytest.mark.parametrize("names", [
    [f"{'a' * 30}{k}{'b' * 30}" for k in range(12)],  # no word to cut at
    [f"{one}{'x' * 40}{k}{'y' * 40}" for one in "ab" for k in range(5)],  # families that share nothing
    ["run", "run_of_a_detector_with_a_very_long_name_1", "run_of_a_detector_with_a_very_long_name_2"],
    [f"{k:030d}{'z' * 30}" for k in range(100)],
    [f"bell\x07 {k}" for k in range(3)] + ["bell\x06 1"],
    ["x" * n for n in range(1, 60)],
])
def test_no_two_names_are_written_alike(names):
    texts = short_names(names)
    assert list(texts) == names and len(set(texts.values())) == len(names)
    assert all(len(text) <= NAME + 5 for text in texts.values())
