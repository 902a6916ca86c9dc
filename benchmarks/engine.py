"""What the engine costs: `python -m benchmarks.engine [--parts matrix cluster resume]`.

matrix: 24 runs of known length on two workers, beside `xargs -P 2` on the same commands, in turn.
cluster: 200 runs on eight simulated nodes of one machine, of whose tries one in twenty is killed on the way.
resume: how long run_study.py takes to know that 200 finished runs leave nothing to do.

A run here is a process that sleeps: what is measured is what the engine adds. Ideal is the sum of the lengths divided
by the workers; the start of Ray is stated beside, not counted in.
"""

from __future__ import annotations

import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import msgspec

from datasets.errors import command
from datasets.files import write_json
from datasets.parser import Parser
from engine.jobs import Job, Outcome
from engine.ray_tasks import run_jobs, share_out
from study.cluster import connect, disconnect
from study.config import Repeats, Runtime, Study
from study.layout import StudyFolder
from study.matrix import cells
from study.state import note_conclusion
from tests.small import finish, make_study, write_config, write_dataset

ROUNDS = 3
WORKERS = 2
NODES = 8
KILLED = 0.05  # of the tries
RESULT = {"train_seconds": 1.0, "evaluate_seconds": 1.0}


def make_parser() -> Parser:
    parser = Parser(prog="python -m benchmarks.engine", description=__doc__,
                    epilog="example:\n  python -m benchmarks.engine --parts matrix resume\n")
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS),
                        help="of the benchmark (default: all)")
    return parser


@command
def main(argv: list[str] | None = None) -> None:
    for name in make_parser().parse_args(argv).parts:
        with tempfile.TemporaryDirectory() as folder:
            print(f"{name}: {PARTS[name](Path(folder))}", flush=True)


def matrix(folder: Path) -> str:
    """Time 24 runs of half a second to two seconds."""
    lengths = [random.Random(number).uniform(0.5, 2) for number in range(24)]
    ideal = sum(lengths) / WORKERS
    start = _time(connect)
    share = share_out(connect(), Runtime(), WORKERS)
    _run([0.1] * WORKERS, folder / "warm", share)  # the first task of a worker loads the engine: a part of the start
    pairs = [(_run(lengths, folder / str(number), share)[0], _xargs(lengths)) for number in range(ROUNDS)]
    disconnect()
    ours, others = (statistics.median(column) / ideal for column in zip(*pairs))
    return (f"{ours:.3f} times the ideal {ideal:.1f} s (xargs {others:.3f}; ratio "
            f"{statistics.median(a / b for a, b in pairs):.3f}, {ROUNDS} pairs); start of Ray {start:.1f} s")


def cluster(folder: Path) -> str:
    """Time 200 runs of one to three seconds, some of whose tries are killed."""
    from ray.cluster_utils import Cluster

    lengths = [random.Random(number).uniform(1, 3) for number in range(200)]
    began = time.monotonic()
    simulated = Cluster(initialize_head=True, head_node_args={"num_cpus": 0})
    for _ in range(NODES):
        simulated.add_node(num_cpus=1)
    share = share_out(connect(simulated.address), Runtime())
    _run([0.1] * NODES, folder / "warm", share)
    start = time.monotonic() - began
    seconds, outcomes = _run(lengths, folder / "runs", share, KILLED)
    disconnect()
    simulated.shutdown()
    counted = Counter(outcome.job.name for outcome in outcomes)
    written = [len(path.read_text().split()) for path in (folder / "runs").glob("*.result")]
    tries = Counter(outcome.tries for outcome in outcomes)
    assert len(counted) == len(written) == 200 and set(counted.values()) == set(written) == {1}
    assert all(outcome.well for outcome in outcomes)
    ideal = sum(lengths) / share.workers
    return (f"200 runs counted once each, {seconds / ideal:.3f} times the ideal {ideal:.1f} s on {share.workers} "
            f"nodes; tries: {', '.join(f'{count} of {number}' for number, count in sorted(tries.items()))}; "
            f"start of Ray and nodes {start:.1f} s")


def resume(folder: Path) -> str:
    """Time run_study.py on a study of 200 finished runs: 5 sizes, 2 detectors, 4 draws, 5 seeds; a row per figure."""
    study = make_study(write_dataset(folder / "data", 200, 50), fractions=(10.0, 20.0, 30.0, 40.0, 50.0),
                       draws=Repeats(up_to=50, count=4), seeds=Repeats(up_to=50, count=5))
    second = msgspec.structs.replace(study.detectors[0], name="other")
    study = msgspec.structs.replace(study, detectors=(study.detectors[0], second))
    config, studies = write_config(folder / "study.yaml", study), folder / "studies"
    command = [sys.executable, "run_study.py", str(config), "--studies", str(studies)]
    _finish(study, StudyFolder(studies / study.name))
    subprocess.run(command, check=True, capture_output=True)  # draws prevalence and collage once
    note_conclusion(study, StudyFolder(studies / study.name))
    seconds = [_time(lambda: subprocess.run(command, check=True, capture_output=True)) for _ in range(5)]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    assert said.startswith("nothing to do: all 200 runs are finished"), said
    return f"{statistics.median(seconds):.2f} s until 'nothing to do' (median of 5)"


def _finish(study: Study, folder: StudyFolder) -> None:
    metrics = [{"metric": "AP", "class": name, "value": 0.5, "stderr": 0.01} for name in ["", *map(str, range(80))]]
    for cell in cells(study):
        run = finish(study, folder, cell, RESULT | {
            "cell": msgspec.to_builtins(cell), "recipe": study.recipe, "images": 10 * int(cell.fraction), "boxes": 99,
            "steps": 500, "checkpoint": "ckpt-500", "images_per_second": 9.0, "device": "CPU", "metrics": metrics})
        write_json(run.detections, [{"image_id": 1, "category_id": 1, "bbox": [1, 1, 9, 9], "score": 0.9}])


def _run(lengths: list[float], folder: Path, share, killed: float = 0.0) -> tuple[float, list[Outcome]]:
    """Return how long runs of these lengths take together, and what became of them; a try in `killed` dies midway."""
    outcomes: list[Outcome] = []
    jobs = [Job(f"run-{number}", ("/bin/sh", "-c", _script(length, folder / f"{number}", killed, number)),
                folder / f"{number}.log") for number, length in enumerate(lengths)]
    seconds = _time(lambda: run_jobs(jobs, share, outcomes.extend))
    return seconds, outcomes


def _script(length: float, path: Path, killed: float, seed: int) -> str:
    """Return a run: it sleeps and leaves a result; on its first tries it may kill itself at a random moment."""
    chance, text = random.Random(f"killed {seed}"), f"sleep {length:.3f}; echo done >> {path}.result"
    attempt = 0
    while chance.random() < killed:
        attempt += 1
        text = (f"[ -e {path}.{attempt} ] || {{ touch {path}.{attempt}; sleep {chance.random() * length:.3f}; "
                f"kill -9 $$; }}; {text}")
    return text


def _xargs(lengths: list[float]) -> float:
    text = "\n".join(f"{length:.3f}" for length in lengths)
    return _time(lambda: subprocess.run(["xargs", "-n1", "-P", str(WORKERS), "sleep"], input=text, text=True,
                                        check=True))


def _time(work) -> float:
    began = time.monotonic()
    work()
    return time.monotonic() - began


PARTS = {"matrix": matrix, "cluster": cluster, "resume": resume}

if __name__ == "__main__":
    sys.exit(main())
