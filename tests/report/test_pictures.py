import base64
import io

import numpy as np
import pytest
from PIL import Image

from charts.save import save_figure
from report.pictures import BUDGET, caption_of, pictures_of, pixel_figure
from tests.report.test_figures import drawn


@pytest.mark.parametrize(("stem", "caption"), [
    ("precision_recall_digits_ssd_v2", "Precision against recall of every class, validation images (largest subset, "
                                       "draw 0, seed 0): digits, ssd_v2"),
    ("mistakes_digits_2_ssd", "Validation images with the most confident mistakes and the largest boxes missed "
                              "(largest subset, draw 0, seed 0): digits_2, ssd"),
    ("steps_my-data_ssd", "AP on the way, on the tuning split that chose when to stop (never the validation images): "
                          "my-data, ssd"),
    ("detections_else_ssd", "Validation images with the boxes a detector found (largest subset, draw 0, seed 0): "
                            "else_ssd"),
    ("comparison_linear_AP50", "Learning curves of all detectors, linear axis: AP50"),
    ("comparison_log_AP", "Learning curves of all detectors, logarithmic axis: AP"),
    ("classes_digits_AP50", "Learning curves of every class: digits, AP50"),
    ("prevalence_digits", "Boxes per class in every subset: digits"),
    ("exponents", "Errors against images, with their power laws"),
    ("shift", "How often each class is in validation, against training"), ("shifted_digits", "Shifted digits"),
])
def test_pictures_are_captioned_after_their_names(stem, caption):
    assert caption_of(stem, ["digits", "digits_2", "my-data"]) == caption


def test_pictures_come_by_section_in_the_order_of_a_story(tmp_path):
    stems = ["shift_digits", "prevalence_digits", "collage_digits", "mistakes_digits_mobile", "a_users_own",
             "detections_digits_mobile", "exponents", "comparison_log_AP", "classes_digits_AP", "comparison_linear_AP",
             "precision_recall_digits_mobile", "steps_digits_mobile", "learning_curves_log"]
    for stem in stems:
        Image.fromarray(np.zeros((9, 9), np.uint8)).save(tmp_path / f"{stem}.png")
    found = {name: [figure.caption.split(":")[0] for figure in each]
             for name, each in pictures_of(tmp_path, ["digits"]).items()}
    assert [caption.split(",")[-1].strip() for caption in found["curves"]] == [
        "linear axis", "logarithmic axis", "with their power laws"]
    assert [caption.split()[0] for caption in found["classes"] + found["prevalence"]] == [
        "Learning", "Precision", "Boxes", "How"]
    assert [caption.split()[0] for caption in found["pictures"]] == ["Training", "Validation", "Validation", "A"]
    assert len(found["runs"]) == 1 and sum(map(len, found.values())) == len(stems) - 1


def test_charts_stay_vectors_and_are_saved_as_both(tmp_path):
    save_figure(drawn(), tmp_path / "exponents")
    (figure,) = pictures_of(tmp_path, [])["curves"]
    assert figure.shown.startswith("<svg") and [saved.kind for saved in figure.saves] == ["SVG", "PNG"]


@pytest.mark.parametrize(("count", "least"), [(1, 800), (12, 200)])
def test_pictures_of_pixels_share_what_the_page_may_weigh(tmp_path, count, least):
    noise = np.random.default_rng(0).integers(0, 255, (900, 1400, 3)).astype(np.uint8)
    for number in range(count):
        Image.fromarray(noise).save(tmp_path / f"detections_{number}.png")
    figures = pictures_of(tmp_path, [])["pictures"]
    shown = [figure.shown.partition("base64,")[2].partition('"')[0] for figure in figures]
    data = [base64.b64decode(text) for text in [*shown, *(f.saves[0].uri.partition(",")[2] for f in figures)]]
    assert len(figures) == count and sum(map(len, data)) <= BUDGET
    assert min(Image.open(io.BytesIO(each)).width for each in data) >= least


def test_a_picture_of_pixels_is_shown_smaller_than_its_file(tmp_path):
    noise = np.random.default_rng(0).integers(0, 255, (900, 2000, 3)).astype(np.uint8)
    Image.fromarray(noise).save(tmp_path / "detections_digits.png")
    figure = pixel_figure(tmp_path / "detections_digits.png", 10**9)
    assert 'src="data:image/jpeg;base64,' in figure.shown and 'width="1200"' in figure.shown
    assert figure.caption.startswith("Validation images with the boxes a detector found")


@pytest.mark.parametrize("svg", ['<svg width="9pt" height="9pt"><path d="M0 0"/></svg>',
                                 '<svg width="9pt" height="9pt"><script>alert(1)</script><text>a</text></svg>'])
def test_a_vector_of_another_hand_is_shown_as_a_picture(tmp_path, svg):
    (tmp_path / "mine.svg").write_text(svg)
    (figure,) = pictures_of(tmp_path, [])["pictures"]
    assert figure.shown.startswith('<img src="data:image/svg+xml;base64,') and "script" not in figure.shown


@pytest.mark.parametrize(("name", "content"), [("mine.png", b""), ("mine.png", b"\x89PNG\r\n\x1a\n cut"),
                                               ("mine.svg", b"\xff\xfe<text"), ("mine.svg", b"<text")])
def test_a_damaged_picture_is_left_out_and_named(tmp_path, capsys, name, content):
    (tmp_path / name).write_bytes(content)
    save_figure(drawn(), tmp_path / "exponents")
    found = pictures_of(tmp_path, [])
    assert found["pictures"] == [] and len(found["curves"]) == 1
    assert capsys.readouterr().err.startswith(f"{tmp_path / 'mine'}: left out of the page, since it cannot be read (")
