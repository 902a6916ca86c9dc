"""A task at a ClearML server, or an offline session in a folder."""

from __future__ import annotations

import logging
from typing import Any

from study.config import Tracker

# ClearML changes all of these unless told not to, in the process that it is loaded in.
FRAMEWORKS = ("hydra", "scikit", "joblib", "matplotlib", "tensorflow", "tensorboard", "tfdefines", "pytorch",
              "megengine", "xgboost", "catboost", "fastai", "lightgbm", "gradio", "jsonargparse", "detect_repository")


class ClearmlTask:
    """Goes on with the task `id` where it still is, or begins one."""

    def __init__(self, tracker: Tracker, opening: dict[str, Any], id: str):
        from clearml import Task

        logging.getLogger("clearml").setLevel(logging.ERROR)
        setattr(Task, "_report_subprocess_enabled", False)  # noqa: B010 - this process is one already, and waits for another for ten seconds
        Task.set_offline(tracker.offline)
        Task.set_random_seed(None)
        before: dict[str, Any] = {"reuse_last_task_id": False}
        if id:
            before = {"reuse_last_task_id": id, "continue_last_task": 0}  # steps are counted from 0 as they come
        self._task = Task.init(project_name=opening["project"], task_name=opening["name"], **before,
                               auto_connect_arg_parser=False, auto_connect_frameworks=dict.fromkeys(FRAMEWORKS, False),
                               auto_resource_monitoring=False, auto_connect_streams=False)
        self.id, self._offline = str(self._task.id), tracker.offline
        self._task.set_parameters({_parameter(key): value for key, value in opening["parameters"].items()}
                                  | {f"Run/{key}": value for key, value in opening["tags"].items()})

    def check(self) -> None:
        if not self._offline:
            self._task.reload()

    def metrics(self, values: list[tuple[str, float, int, float]]) -> None:
        logger = self._task.get_logger()
        for name, value, step, _ in values:
            title, _, series = name.rpartition("/")
            logger.report_scalar(title or series, series, value, step)

    def picture(self, path: str) -> None:
        name = path.rpartition("/")[2].rpartition(".")[0]
        self._task.get_logger().report_image("pictures", name, 0, local_path=path)

    def artefact(self, path: str) -> None:
        self._task.upload_artifact(path.rpartition("/")[2], path, wait_on_upload=True)

    def end(self, status: str) -> None:
        self._task.close()
        if status in ("failed", "stopped") and not self._offline:
            from clearml import Task

            task = Task.get_task(task_id=self.id)
            _ = task.mark_failed(force=True) if status == "failed" else task.mark_stopped(force=True)


def _parameter(name: str) -> str:
    """Return section/name, such as recipe/learning_rate."""
    section, dot, rest = name.partition(".")
    return f"{section}/{rest}" if dot else f"General/{name}"
