import pytest

from report.provenance import energy, provenance_rows

CODE = {"commit": "0123456789abcdef", "dirty": False, "sha256": "f" * 64}
ORIGIN = {"code": CODE, "python": "3.11.7", "packages": {"numpy": "2.1", "scipy": "1.14"}, "platform": "Linux",
          "host": "one", "device": "training on CPU (2 cores)"}


def result(trained=None, evaluated=None, **changes):
    return {"device": ORIGIN["device"], "trained_by": [ORIGIN | (trained or {})],
            "evaluated_by": ORIGIN | (evaluated or {}), "started": "2026-01-31T12:00:00+00:00",
            "ended": "2026-01-31T12:30:59+00:00", "train_joules": 3000.0, "evaluate_joules": 600.0} | changes


def test_what_all_runs_agree_on_is_said_once():
    rows = dict(provenance_rows([result(), result(ended="2026-02-01T01:02:03+00:00")]))
    assert rows == {
        "code": "commit 0123456789ab, SHA-256 ffffffffffffffff…", "packages": "Python 3.11.7, numpy 2.1, scipy 1.14",
        "trained on": "CPU (2 cores)", "machine": "one (Linux)", "made": "2026-01-31 12:00 to 2026-02-01 01:02 UTC",
        "energy": "2 Wh",
    }


@pytest.mark.parametrize(("other", "row", "value"), [
    (result(trained={"code": CODE | {"dirty": True}}), "code",
     "commit 0123456789ab with changes, SHA-256 ffffffffffffffff…; commit 0123456789ab, SHA-256 ffffffffffffffff…"),
    (result(evaluated={"code": CODE | {"commit": None, "sha256": "a" * 64}}), "code",
     "SHA-256 aaaaaaaaaaaaaaaa…; commit 0123456789ab, SHA-256 ffffffffffffffff…"),
    (result(trained={"packages": {"numpy": "2.2", "cuda": "12.5"}}), "packages",
     "Python 3.11.7, numpy 2.1 or 2.2, scipy 1.14, cuda 12.5"),
    (result(device="training on GPU (A100)"), "trained on", "CPU (2 cores); GPU (A100)"),
    (result(evaluated={"host": "two"}), "machine", "one (Linux); two (Linux)"),
    (result(train_joules=None), "energy", "1 Wh, of 1 of the 2 runs"),
])
def test_what_they_differ_in_is_all_said(other, row, value):
    assert dict(provenance_rows([result(), other]))[row] == value


def test_results_that_do_not_say_where_they_come_from_have_no_rows():
    assert provenance_rows([]) == [] and provenance_rows([{"device": "on a test"}]) == [["trained on", "on a test"]]


@pytest.mark.parametrize(("joules", "text"), [(5_400_000, "1.5 kWh"), (3600 * 7, "7 Wh"), (12.34, "12.3 J")])
def test_energy_has_a_unit_of_its_size(joules, text):
    assert energy(joules) == text
