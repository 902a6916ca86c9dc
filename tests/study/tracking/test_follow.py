import subprocess
import sys
from pathlib import Path

import pytest

from study.config import REPOSITORY, Recipe, Study, Tracker
from study.layout import StudyFolder
from study.matrix import Cell
from study.tracking.courier import WAITING, Courier
from study.tracking.follow import flatten, open_tracking, parameters_of, tag, track_study
from tests.small import make_study


@pytest.mark.parametrize(("values", "flat"), [
    ({}, {}),
    ({"a": {"b": 1, "c": {"d": None}}, "e": "x"}, {"a.b": "1", "a.c.d": "None", "e": "x"}),
    ({"classes": ["red", "blue"], "sizes": (1, 2), "none": []}, {"classes": "red, blue", "sizes": "1, 2", "none": ""}),
    ({"detectors": [{"name": "tiny", "width": 0.1}, {"depth": 50}]},
     {"detectors.tiny.name": "tiny", "detectors.tiny.width": "0.1", "detectors.1.depth": "50"}),
    ({"long": "x" * 900}, {"long": "x" * 499 + "…"}),
])
def test_parameters_are_texts_by_their_path(values, flat):
    assert flatten(values) == flat


@pytest.mark.parametrize(("metric", "class_", "expected"), [("AP", "", "AP"), ("AP50", "red", "AP50/red")])
def test_metrics_go_by_their_class(metric, class_, expected):
    assert tag({"metric": metric, "class": class_}) == expected


def test_the_parameters_of_a_run_hold_the_resolved_recipe_and_detector(tmp_path):
    study = make_study(tmp_path)
    told = flatten(parameters_of(study, Cell(50.0, "paint", "tiny"), {"subset": "ab", "recipe": "as it was"}))
    assert told["subset"] == "ab" and told["detector.width"] == "0.1" and "detector.recipes" not in told
    assert told["recipe.name"] == "scaled" and told["recipe.learning_rate"] == str(Recipe().learning_rate)


def test_without_a_service_nothing_is_started_or_loaded(tmp_path):
    program = """
import subprocess, sys, threading
from pathlib import Path
from study.layout import StudyFolder
from study.matrix import Cell
from study.tracking.follow import open_tracking, track_study
from tests.small import make_study
study, folder = make_study(Path(sys.argv[1])), StudyFolder(Path(sys.argv[1]))
with open_tracking(study, "run", folder.run(Cell(50.0, "paint", "tiny"))) as tracking:
    tracking.metrics({"loss": 1.0}, 20)
    tracking.picture(folder.report)
    tracking.artefact(folder.report)
    tracking.finish()
track_study(study, folder)
print(threading.active_count(), {"mlflow", "clearml", "ray", "tensorflow", "pynvml"} & set(sys.modules))
"""
    finished = subprocess.run([sys.executable, "-c", program, str(tmp_path)], cwd=REPOSITORY, capture_output=True,
                              text=True)
    assert finished.stdout == "1 set()\n", finished.stderr
    assert not any(tmp_path.iterdir())


class Kept:
    """A service that keeps what it is told, in place of a courier."""

    def __init__(self):
        self.messages = []

    def send(self, message):
        self.messages.append({key: value for key, value in message.items() if key != "time"})


@pytest.fixture
def kept(monkeypatch):
    service = Kept()
    monkeypatch.setattr("study.tracking.follow._courier", lambda tracker: service)
    return service


def _followed(tmp_path) -> tuple[Study, StudyFolder]:
    return make_study(tmp_path, tracking=(Tracker(kind="mlflow", uri="http://127.0.0.1:9"),)), StudyFolder(tmp_path)


@pytest.mark.parametrize(("error", "finish", "status"), [
    (None, True, "finished"), (None, False, ""), (ValueError, False, "failed"), (KeyboardInterrupt, True, "stopped"),
    (SystemExit, False, "stopped"),
])
def test_a_run_ends_as_its_block_does(tmp_path, kept, error, finish, status):
    study, folder = _followed(tmp_path)
    try:
        with open_tracking(study, "run", folder.run(Cell(50.0, "paint", "tiny"))) as tracking:
            if finish:
                tracking.finish()
            if error:
                raise error
    except BaseException as raised:
        assert type(raised) is error
    assert kept.messages[0]["do"] == "open" and kept.messages[0]["project"] == "small"
    assert [(m["do"], m["status"]) for m in kept.messages[1:]] == [("end", status)]


def test_a_concluded_study_shows_its_charts_and_keeps_its_tables(tmp_path, kept):
    study, folder = _followed(tmp_path)
    for path in (folder.results, folder.report, folder.charts / "classes.png", folder.charts / "classes.svg"):
        path.parent.mkdir(exist_ok=True)
        path.touch()
    track_study(study, folder)
    told = [(m["do"], Path(m["path"]).name) for m in kept.messages if "path" in m]
    assert told == [("artefact", "results.csv"), ("artefact", "report.html"), ("picture", "classes.png")]
    assert kept.messages[0]["parameters"]["study.detectors.tiny.width"] == "0.1"
    assert kept.messages[-1]["status"] == "finished"


def test_too_many_messages_are_dropped_without_waiting(monkeypatch, capsys):
    monkeypatch.setattr(Courier, "_deliver", lambda self: None)
    courier = Courier(Tracker(kind="mlflow", uri="http://127.0.0.1:9"))
    for number in range(WAITING + 5):
        courier.send({"do": "metrics", "values": {"loss": number}})
    courier.close()
    courier.close()
    assert capsys.readouterr().err == ("tracking with mlflow (http://127.0.0.1:9): too slow: 6 messages were dropped; "
                                       "the run's own files are complete\n")
