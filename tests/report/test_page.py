import re
import shutil
from html.parser import HTMLParser

import pytest

from datasets.errors import InputError
from report.page import write_report
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
    assert Page(text).headings == ["Learning curves", "Forecast and its audit", "Classes: what to label next",
                                   "Prevalence", "Pictures", "Checks", "Runs: time and cost", "How it was made"]
    assert Page(text).open == []


def test_page_needs_nothing_from_outside_and_pictures_are_described(text):
    page = Page(text)
    assert all(address.startswith(("data:", "#")) for address in page.addresses)
    assert "@import" not in text and not re.search(r"url\((?!#)", text)
    assert len(page.images) == 4 and all(page.images)
    assert "Training images with their labelled boxes: digits" in page.images


def test_charts_follow_the_colours_of_the_page(text):
    charts = re.findall(r"<svg class=\"chart\".*?</svg>", text, re.DOTALL)
    assert len(charts) == 3
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
    assert page.headings == ["Learning curves", "Forecast and its audit"]


def test_no_results_are_one_clear_line(tmp_path):
    with pytest.raises(InputError, match="run the study first"):
        write_report(StudyFolder(tmp_path))
