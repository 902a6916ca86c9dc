"""The page in a real browser, as a project lead opens it: from disk, on a desk, on a phone, on paper."""

import csv
import io
import shutil
from contextlib import contextmanager
from pathlib import Path
from xml.etree import ElementTree

import pytest
from PIL import Image

from report.page import write_report
from report.runs import read_results, run_table
from study.config import Prices

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = pytest.mark.skipif(not CHROMIUM, reason="Chromium is not installed: apt-get install chromium")
WIDTHS = {"desk": 1440, "phone": 360}  # pixels


@pytest.fixture(scope="module")
def address(study_folder) -> str:
    return write_report(study_folder).as_uri()


@pytest.fixture(scope="module")
def browser():
    api = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed: requirements-test.txt")
    with api.sync_playwright() as reins:
        chromium = reins.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield chromium
        chromium.close()


@contextmanager
def opened(browser, address, width="desk", **settings):
    """Open the page in a window of its own; what it says on the console or asks of the network ends up in `said`."""
    context = browser.new_context(viewport={"width": WIDTHS[width], "height": 800}, **settings)
    page, said = context.new_page(), []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("request", lambda request: said.append(request.url) if request.url.startswith("http") else None)
    page.goto(address)
    yield page, said
    context.close()


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_opens_quietly_fits_and_is_accessible(browser, address, width, scheme):
    from axe_playwright_python.sync_playwright import Axe

    with opened(browser, address, width, color_scheme=scheme) as (page, said):
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
        violations = Axe().run(page).response["violations"]
        assert [(v["id"], [node["html"][:200] for node in v["nodes"]]) for v in violations] == []
        background = page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert (background == "rgb(255, 255, 255)") == (scheme == "light")
        assert said == []


def test_the_answer_comes_first(browser, address):
    with opened(browser, address, "phone") as (page, _):
        box = page.locator(".answer").first.bounding_box()
        assert box["y"] < 120 and "images" in page.locator(".answer").first.inner_text()


def test_a_pointer_and_the_arrow_keys_read_the_numbers(browser, address):
    with opened(browser, address) as (page, said):
        chart = page.locator("svg[data-spots]").first
        assert page.locator(".reading:visible").count() == 0
        box = chart.bounding_box()
        page.mouse.move(box["x"] + 0.7 * box["width"], box["y"] + 0.2 * box["height"])
        assert "forecast" in page.locator(".reading:visible").inner_text()
        page.mouse.move(0, 0)
        assert page.locator(".reading:visible").count() == 0
        chart.focus()
        chart.press("ArrowRight")
        assert page.locator(".reading:visible").inner_text().startswith("25 images: measured")
        chart.press("ArrowRight")
        assert page.locator(".reading:visible").inner_text().startswith("62 images: measured")
        chart.press("Escape")
        assert page.locator(".reading:visible").count() == 0 and said == []


def test_a_reading_stays_inside_a_phones_screen(browser, address):
    with opened(browser, address, "phone", has_touch=True) as (page, _):
        chart = page.locator("svg[data-spots]").first
        box = chart.bounding_box()
        chart.tap(position={"x": box["width"] - 12, "y": box["height"] / 4})
        reading = page.locator(".reading:visible").bounding_box()
        assert reading["x"] >= 0 and reading["x"] + reading["width"] <= WIDTHS["phone"]
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


def test_everything_is_read_and_saved_without_scripts(browser, address, study_folder, tmp_path):
    with opened(browser, address, java_script_enabled=False, accept_downloads=True) as (page, _):
        assert page.locator("h2").count() == 8 and page.locator("table").count() > 5
        files = {kind: _save(page, kind, tmp_path) for kind in ("CSV", "SVG", "PNG")}
        every = _save(page, "CSV", tmp_path, "every_run")
    assert ElementTree.parse(files["SVG"]).getroot().tag.endswith("svg")
    with Image.open(files["PNG"]) as picture:
        assert picture.format == "PNG" and picture.width > 500
    table = run_table(read_results(study_folder), Prices())
    rows = list(csv.reader(io.StringIO(every.read_text(encoding="utf-8-sig"))))
    assert rows[0] == table.header and len(rows) == len(table.rows) + 1


def _save(page, kind: str, folder: Path, name: str = "") -> Path:
    link = page.locator(f'a[download*="{name or "_"}"]', has_text=kind).first
    with page.expect_download() as download:
        link.click()
    path = folder / download.value.suggested_filename
    download.value.save_as(path)
    return path


def test_every_figure_and_table_can_be_saved(browser, address):
    with opened(browser, address) as (page, _):
        lacking = page.evaluate("""[...document.querySelectorAll("figure")].filter(
            (figure) => !figure.querySelector("a[download][href^='data:']")).length""")
        assert lacking == 0 and page.locator("figure").count() > 10


def test_paper_has_no_links_to_save_and_no_overflow(browser, address):
    with opened(browser, address) as (page, _):
        page.emulate_media(media="print")
        page.set_viewport_size({"width": 700, "height": 1000})
        assert page.locator(".save:visible").count() == page.locator("nav:visible").count() == 0
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
        assert page.pdf().startswith(b"%PDF")
