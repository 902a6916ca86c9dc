"""Where everything of a study lies. No other room spells out a path or a file name."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from study.matrix import Cell, fraction_key

STUDIES = Path("studies")
SEARCHED = "searched"  # folder of the run that a search chose the hyperparameters of, in that of the run without
CHECKPOINTS = Path("checkpoints")  # of the zoo, unpacked, relative to the repository


@dataclass(frozen=True)
class StudyFolder:
    """The folder of one study."""

    root: Path

    @property
    def config(self) -> Path:
        return self.root / "study.yaml"

    @property
    def results(self) -> Path:
        return self.root / "results.csv"

    @property
    def forecast(self) -> Path:
        return self.root / "forecast"

    @property
    def forecast_table(self) -> Path:
        return self.forecast / "forecast.csv"

    @property
    def charts(self) -> Path:
        return self.root / "charts"

    @property
    def report(self) -> Path:
        return self.root / "report.html"

    @property
    def lock(self) -> Path:
        """Held by the process that runs the study."""
        return self.root / "study.lock"

    @property
    def concluded(self) -> Path:
        """What results.csv, forecast and report were made from; written after them."""
        return self.root / "concluded.json"

    @property
    def rates(self) -> Path:
        """What a training step, an evaluated image and the start of a run took where that was measured."""
        return self.root / "rates.json"

    def tracking(self, service: str) -> Path:
        """Which run of a service that follows runs stands for the study."""
        return self.root / f"tracking-{service}.json"

    def dataset(self, name: str) -> Path:
        return self.root / name

    def order(self, dataset: str, draw: int) -> Path:
        return self.dataset(dataset) / ("order.json" if draw == 0 else f"order-draw-{draw}.json")

    def prevalence(self, dataset: str) -> Path:
        return self.dataset(dataset) / "prevalence.csv"

    def checks(self, dataset: str) -> Path:
        """What is odd in a data set, and how many of its validation images are among the training images."""
        return self.dataset(dataset) / "checks.json"

    def train_records(self, dataset: str, stored_size: int, draw: int) -> Path:
        folder = self.dataset(dataset) / "records" / f"{stored_size}px"
        return folder / ("train" if draw == 0 else f"train-draw-{draw}")

    def validation_records(self, dataset: str, stored_size: int) -> Path:
        return self.dataset(dataset) / "records" / f"{stored_size}px" / "val"

    def run(self, cell: Cell) -> RunFolder:
        run = (self.dataset(cell.dataset) / "runs" / cell.detector / fraction_key(cell.fraction)
               / f"draw-{cell.draw}" / f"seed-{cell.seed}")
        return RunFolder(run / SEARCHED if cell.searched else run)

    def finished_results(self) -> list[Path]:
        """Return every result.json there is, in a stable order."""
        return self._in_runs("result.json")

    def has_runs(self) -> bool:
        """Tell whether any run has begun here."""
        return any(RunFolder(params.parent).has_begun() for params in self._in_runs("params.yaml"))

    def _in_runs(self, name: str) -> list[Path]:
        runs = "*/runs/*/*/*/*"
        return sorted([*self.root.glob(f"{runs}/{name}"), *self.root.glob(f"{runs}/{SEARCHED}/{name}")])


@dataclass(frozen=True)
class RunFolder:
    """The folder of one run: one cell of the matrix."""

    root: Path

    def has_begun(self) -> bool:
        """Tell whether something was trained here that its parameters belong to: a checkpoint at least."""
        return self.training.exists() or self.search.exists() or any(
            next(folder.glob("*.index"), None) for folder in (self.checkpoints, self.tuning_checkpoints)) or any(
            RunFolder(params.parent).has_begun() for params in self.root.glob("trial-*/params.yaml"))

    @property
    def params(self) -> Path:
        return self.root / "params.yaml"

    @property
    def checkpoints(self) -> Path:
        return self.root / "checkpoints"

    @property
    def restored(self) -> Path:
        """What became of every variable of the checkpoint that the run started from."""
        return self.root / "restored.csv"

    @property
    def tuning(self) -> Path:
        """The AP on the tuning split at every look, and what was chosen."""
        return self.root / "tuning.json"

    @property
    def tuning_checkpoints(self) -> Path:
        """Of the training without the tuning split, where the whole subset is trained on afterwards."""
        return self.root / "tuning"

    @property
    def training(self) -> Path:
        """Written when training is complete: steps, seconds, losses, the final checkpoint."""
        return self.root / "training.json"

    @property
    def lock(self) -> Path:
        """Held by the process that trains or evaluates the run."""
        return self.root / "run.lock"

    @property
    def log(self) -> Path:
        """What the run's process wrote, where it had one of its own."""
        return self.root / "run.log"

    @property
    def failure(self) -> Path:
        """Why the run failed; absent once it is begun again."""
        return self.root / "failed.json"

    @property
    def spent(self) -> Path:
        """Seconds and energy that the processes of a training have taken up to its last checkpoint."""
        return self.root / "spent.json"

    def trial(self, number: int) -> RunFolder:
        """Return the folder of one trial of this run's search."""
        return RunFolder(self.root / f"trial-{number}")

    @property
    def search(self) -> Path:
        """Every trial of a finished search and which was best; written after all of them."""
        return self.root / "search.json"

    @property
    def ended(self) -> Path:
        """How a trial of a search ended: it is not begun again."""
        return self.root / "ended.json"

    def tracking(self, service: str) -> Path:
        """Which run of a service that follows runs this is, so that a later process goes on with it."""
        return self.root / f"tracking-{service}.json"

    @property
    def events(self) -> Path:
        """TensorBoard's events of the evaluation, beside those of the training in `train`."""
        return self.checkpoints / "validation"

    @property
    def detections(self) -> Path:
        return self.root / "detections.json"

    @property
    def pictures(self) -> Path:
        """Of this run alone, where they were asked for."""
        return self.root / "pictures"

    @property
    def result(self) -> Path:
        """Written last of all."""
        return self.root / "result.json"
