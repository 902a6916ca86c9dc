from datasets import progress
from datasets.progress import Progress


def test_plain_output_shows_the_last_line_only_when_it_is_quick(capsys):
    shown = Progress("records", 5, "image")
    for _ in range(5):
        shown.update()
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("records: image 5 of 5, ") and line.endswith("/s, 0 s left")


def test_a_slow_stage_shows_lines_with_its_note(capsys, monkeypatch):
    monkeypatch.setattr(progress, "SECONDS_BETWEEN_LINES", 0.0)
    shown = Progress("cell", 40, "step", first=20)
    shown.update(10, "loss 1.5")
    assert capsys.readouterr().err.startswith("cell: step 30 of 40, loss 1.5, ")


def test_a_terminal_gets_a_bar(capsys, monkeypatch):
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    shown = Progress("records", 2, "image")
    shown.update(2)
    assert "records" in capsys.readouterr().err and shown.bar is not None
