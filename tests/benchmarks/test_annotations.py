import subprocess
import sys

import pytest

from benchmarks import annotations
from benchmarks.annotations import OUT, ROOT, Cost, Way, print_table, run
from benchmarks.scale import coco


def python(program, *arguments):
    return (sys.executable, "-c", program, *arguments)


def test_a_process_is_charged_with_its_own_memory_and_time():
    """Measured from a process of its own: a child's peak counts its parent's up to the moment it starts."""
    program = """if True:
        import sys
        from benchmarks.annotations import Way, run
        for code in ("import time; held = b'x' * 900_000_000; time.sleep(0.2)", "pass"):
            cost = run(Way("one", (sys.executable, "-c", code)))
            print(cost.megabytes, cost.seconds)"""
    finished = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    large, small = ([float(word) for word in line.split()] for line in finished.stdout.splitlines())
    assert 900 < large[0] < 1_000 and large[1] > 0.2
    assert small[0] < 200


def test_a_way_has_a_folder_for_its_output_and_has_to_end_well(tmp_path):
    note = tmp_path / "note"
    run(Way("writes", python("import os, sys; open(sys.argv[1], 'w').write(f'{sys.argv[2]} {os.listdir(sys.argv[2])}')",
                             str(note), OUT)))
    folder, listed = note.read_text().split()
    assert listed == "[]" and not (tmp_path / folder).exists()
    with pytest.raises(SystemExit, match="fails: ended with 3"):
        run(Way("fails", python("raise SystemExit(3)")))


def test_the_table_has_medians_peaks_and_ratios(capsys):
    print_table({"scan": [Cost(1.0, 0.5, 100), Cost(3.0, 0.5, 100), Cost(1.0, 0.5, 100)],
                 "ours": [Cost(2.0, 1.0, 300), Cost(9.0, 2.0, 200), Cost(4.0, 1.5, 250)],
                 "published as it is": [Cost(60.0, 50.0, 900)]}, ["published as it is"])
    ours = capsys.readouterr().out.splitlines()[2]
    assert ours.split() == ["ours", "4.00", "(2.00", "-", "9.00)", "1.50", "300", "3.00", "3.00", "15.0"]


@pytest.mark.parametrize("name", ["scan", "ours: manifest and arrays", "ours: 13 JSON files",
                                  "json, boxes alone, 13 files", "pycocotools, nothing written",
                                  "published, pairs mended", "published as it is"])
def test_every_way_runs_on_a_small_file(tmp_path, name):
    path = tmp_path / "train.json"
    coco.write_coco(path, 400)
    (way,) = (way for way in annotations.ways("coco", path) if way.name == name)
    assert run(way).seconds > 0
