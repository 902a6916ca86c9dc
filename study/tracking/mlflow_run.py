"""A run at an MLflow server, or in a database that MLflow writes itself."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

from study.config import Tracker

STATUS = {"finished": "FINISHED", "failed": "FAILED", "stopped": "KILLED"}
SETTINGS = {  # of MLflow, unless the user has set them: a server that does not answer is to be noticed in seconds
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1", "MLFLOW_HTTP_REQUEST_TIMEOUT": "10", "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
}


class MlflowRun:
    """Goes on with the run `id` where the server still has it, or begins one."""

    def __init__(self, tracker: Tracker, opening: dict[str, Any], id: str):
        for name, value in SETTINGS.items():
            os.environ.setdefault(name, value)
        from mlflow.entities import Param, RunTag
        from mlflow.tracking import MlflowClient

        self._client = MlflowClient(tracking_uri=tracker.uri or None)
        self.id = id if id and self._is_there(id) else self._begin(opening, _files_of(tracker.uri))
        self._client.update_run(self.id, "RUNNING")
        params = [Param(_name(key), value) for key, value in opening["parameters"].items()]
        for start in range(0, len(params), 100):
            self._client.log_batch(self.id, params=params[start:start + 100])
        self._client.log_batch(self.id, tags=[RunTag(key, value) for key, value in opening["tags"].items()])

    def check(self) -> None:
        self._client.get_run(self.id)

    def metrics(self, values: list[tuple[str, float, int, float]]) -> None:
        from mlflow.entities import Metric

        self._client.log_batch(self.id, metrics=[Metric(_name(name), value, round(1000 * seconds), step)
                                                 for name, value, step, seconds in values])

    def picture(self, path: str) -> None:
        self._client.log_artifact(self.id, path, "pictures")

    def artefact(self, path: str) -> None:
        self._client.log_artifact(self.id, path)

    def end(self, status: str) -> None:
        if status:
            self._client.set_terminated(self.id, STATUS[status])

    def _is_there(self, id: str) -> bool:
        from mlflow.exceptions import MlflowException

        try:
            return self._client.get_run(id).info.lifecycle_stage == "active"
        except MlflowException as error:
            if error.error_code == "RESOURCE_DOES_NOT_EXIST":
                return False
            raise

    def _begin(self, opening: dict[str, Any], files: str | None) -> str:
        project = opening["project"]
        experiment = self._client.get_experiment_by_name(project)
        try:
            number = experiment.experiment_id if experiment else self._client.create_experiment(project, files)
        except Exception:  # another run has just made it
            if (experiment := self._client.get_experiment_by_name(project)) is None:
                raise
            number = experiment.experiment_id
        return self._client.create_run(number, run_name=opening["name"]).info.run_id


def _files_of(uri: str) -> str | None:
    """Return where files go: beside a database, instead of wherever the command runs; None leaves it to the server."""
    database = uri.removeprefix("sqlite:///")
    return (Path(database).absolute().parent / "mlruns").as_uri() if database != uri else None


def _name(name: str) -> str:
    """Return a name that MLflow takes: a class may be called anything."""
    cleaned = re.sub(r"[^\w.\- :/]", "_", name)
    return "/".join(part if part.strip(". ") else f"_{part}_" for part in cleaned.split("/"))
