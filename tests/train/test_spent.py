import time

import pytest

from study.energy import Counter, Meter
from train.spent import Spent

ORIGIN = {"host": "one"}


def meter(readings):
    """Return a meter that reads these joules one after the other, the first of them when it is made."""
    left = iter(readings)
    return Meter([Counter(lambda: next(left))])


def process(path, steps, origin=ORIGIN, readings=(), end=None):
    """Train in a process of its own from the first of `steps` on, with a checkpoint at each of the others."""
    spent = Spent(path, origin, meter(readings) if readings else Meter([]))
    with spent.running(steps[0]):
        for step in steps[1:]:
            time.sleep(0.01)
            spent.mark(step)
    return spent.total


def test_processes_add_up_to_their_last_checkpoints(tmp_path):
    path = tmp_path / "spent.json"
    first = process(path, [0, 20, 40])
    assert (first.steps, first.processes, first.origins) == (40, 1, [ORIGIN]) and first.seconds >= 0.02
    killed = Spent(path, ORIGIN, Meter([]))
    with killed.running(40):
        pass  # before a checkpoint
    second = process(path, [40, 60], {"host": "two"})
    assert (second.steps, second.processes, second.origins) == (60, 2, [ORIGIN, {"host": "two"}])
    assert second.seconds >= first.seconds + 0.01 and second.started == first.started
    assert process(path, [60, 80]).origins == [ORIGIN, {"host": "two"}]


def test_what_lies_between_two_stretches_does_not_count(tmp_path):
    spent = Spent(tmp_path / "spent.json", ORIGIN, meter([5.0, 5.0, 7.0, 30.0, 31.0]))
    with spent.running(0):
        spent.mark(10)
    time.sleep(0.05)
    spent.mark(10)  # a checkpoint outside
    with spent.running(10):
        spent.mark(20)
    assert spent.total.seconds < 0.05 and spent.total.joules == 3.0 and spent.total.steps == 20


@pytest.mark.parametrize(("readings", "joules"), [
    ([(0.0, 0.0, 4.0), (9.0, 9.0, 10.0)], 5.0), ([(0.0, 0.0, 4.0), ()], None), ([(), (0.0, 0.0, 4.0)], None),
])
def test_energy_is_known_if_every_process_knows_it(tmp_path, readings, joules):
    path = tmp_path / "spent.json"
    for number, each in enumerate(readings):
        total = process(path, [20 * number, 20 * number + 20], readings=each)
    assert total.joules == joules


@pytest.mark.parametrize("content", ["{", "[]", '{"colour": 1}'])
def test_a_damaged_file_counts_as_none(tmp_path, content):
    path = tmp_path / "spent.json"
    path.write_text(content)
    assert process(path, [20, 40]).steps == 20


def test_a_worker_that_leaves_files_to_another_writes_none(tmp_path):
    spent = Spent(tmp_path / "spent.json", ORIGIN, Meter([]), write=False)
    with spent.running(0):
        spent.mark(20)
    assert spent.total.steps == 20 and not any(tmp_path.iterdir())
