import base64
import re
import shutil
from html.parser import HTMLParser

import numpy as np
import pytest
from PIL import Image

from datasets.errors import InputError
from report.page import embed, write_report
from study.layout import StudyFolder

VOID = {"meta", "link", "img", "br"}


class Page(HTMLParser):
    """Collects headings, images and addresses, and checks that elements close in order."""

    def __init__(self, text: str):
        super().__init__()
        self.open, self.headings, self.images, self.addresses = [], [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        self.addresses += [attrs[name] for name in ("src", "href", "xlink:href") if name in attrs]
        if tag == "img" or (tag == "svg" and "role" in attrs):
            self.images.append(attrs.get("alt") or attrs.get("aria-label"))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] == "h2":
            self.headings.append(data)


@pytest.fixture(scope="module")
def text(study_folder) -> str:
    return write_report(study_folder).read_text(encoding="utf-8")


def test_every_section_is_there(text):
    assert text.startswith("<!DOCTYPE html>")
    assert Page(text).headings == ["Learning curves", "Forecast beside the truth", "Classes", "Prevalence", "Pictures",
                                   "Runs", "How it was made"]
    assert Page(text).open == []


def test_page_needs_nothing_from_outside_and_pictures_are_described(text):
    page = Page(text)
    assert all(address.startswith(("data:", "#")) for address in page.addresses)
    assert "@import" not in text and not re.search(r"url\((?!#)", text)
    assert len(page.images) == 3 and all(page.images)
    assert "Training images with their labelled boxes: digits" in page.images


def test_charts_follow_the_colours_of_the_page(text):
    charts = re.findall(r"<svg class=\"chart\".*?</svg>", text, re.DOTALL)
    assert len(charts) == 2
    for chart in charts:
        assert "var(--ink)" in chart and "#000000" not in chart and "#ffffff" not in chart
        assert not re.search(r"<svg[^>]* width=", chart)


def test_same_study_same_bytes(study_folder, text):
    assert write_report(study_folder).read_text(encoding="utf-8") == text


def test_results_alone_make_a_page(study_folder, tmp_path):
    shutil.copy(study_folder.results, tmp_path / "results.csv")
    table = (tmp_path / "results.csv").read_text()
    (tmp_path / "results.csv").write_text(re.sub(r".*,AP50,\d,.*\n", "", table))  # no classes
    page = Page(write_report(StudyFolder(tmp_path)).read_text())
    assert page.headings == ["Learning curves", "Forecast beside the truth"]


def test_no_results_are_one_clear_line(tmp_path):
    with pytest.raises(InputError, match="run the study first"):
        write_report(StudyFolder(tmp_path))


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
def test_pictures_are_captioned_after_their_names(tmp_path, stem, caption):
    Image.fromarray(np.zeros((9, 9), np.uint8)).save(tmp_path / f"{stem}.png")
    assert embed(tmp_path / f"{stem}.png", ["digits", "digits_2", "my-data"]).caption == caption


def test_pictures_come_in_the_order_of_a_story(study_folder, tmp_path):
    shutil.copytree(study_folder.root, tmp_path / "study")
    folder = StudyFolder(tmp_path / "study")
    stems = ["comparison_linear_AP", "comparison_log_AP", "classes_digits_AP", "exponents", "detections_digits_mobile",
             "mistakes_digits_mobile", "precision_recall_digits_mobile", "steps_digits_mobile", "collage_digits",
             "prevalence_digits", "shift_digits", "a_users_own"]
    for stem in stems:
        Image.fromarray(np.zeros((9, 9), np.uint8)).save(folder.charts / f"{stem}.png")
    text = write_report(folder).read_text(encoding="utf-8")
    captions = [embed(folder.charts / f"{stem}.png", ["digits"]).caption for stem in stems]
    assert Page(text).images[2:] == captions
    places = [text.index(f'alt="{caption}"') for caption in captions]
    assert places[3] < text.index("<h2>Forecast beside") < text.index("<h2>Pictures") < places[4]


def test_large_pictures_are_embedded_as_jpeg(tmp_path):
    noise = np.random.default_rng(0).integers(0, 255, (900, 2000, 3)).astype(np.uint8)
    Image.fromarray(noise).save(tmp_path / "detections_digits.png")
    picture = embed(tmp_path / "detections_digits.png")
    kind, data = picture.source.split(";base64,")
    assert kind == "data:image/jpeg"
    assert len(base64.b64decode(data)) < (tmp_path / "detections_digits.png").stat().st_size / 3
    assert picture.caption.startswith("Validation images with the boxes a detector found")
