"""The waiting cells of a study on the engine that suits them."""

from __future__ import annotations

import os
from collections.abc import Sequence

from datasets.errors import InputError
from engine.jobs import OnEnd, jobs_of
from engine.until import Until
from study.cluster import ADDRESS, address_here, connect, disconnect, has_ray, visible_gpus
from study.config import Study
from study.layout import StudyFolder
from study.matrix import Cell


def takes_ray(study: Study, waiting: Sequence[Cell], workers: int | None, address: str) -> bool:
    """Tell whether runs are processes on Ray: where that is asked for, for more than one GPU, and for searches.

    A process that trains keeps its GPU's memory, and the trials of a search would find none left.
    """
    if workers is not None or address or os.environ.get(ADDRESS):
        return True
    if study.runtime.distribution == "multi_worker" or not has_ray():
        return False
    if any(cell.searched for cell in waiting):
        return True
    return study.runtime.distribution == "one_device" and len(waiting) > 1 and visible_gpus() > 1


def run_waiting(study: Study, folder: StudyFolder, waiting: Sequence[Cell], on_end: OnEnd, until: Until, *,
                workers: int | None = None, address: str = "", expect_gpu: bool = False) -> bool:
    """Run the cells `waiting`, and return whether this process is the one to conclude.

    Raises InputError as the engines do.
    """
    if not takes_ray(study, waiting, workers, address):
        from engine.inline import run_cells

        return run_cells(study, folder, waiting, on_end, until.wants, expect_gpu)
    from engine.ray_tasks import run_jobs, share_out

    resources = connect(address)
    try:
        share = share_out(resources, study.runtime, workers)
        if expect_gpu and not resources.gpus:
            print("no GPU found: training on CPUs")
        each = f"{share.gpus} GPU{'s' * (share.gpus > 1)}" if share.gpus else f"{share.cpus:g} CPUs"
        print(f"{share.workers} runs at once on {len(resources.nodes)} node{'s' * (len(resources.nodes) > 1)}, "
              f"{each} each", flush=True)
        run_jobs(jobs_of(folder, waiting, address_here(), int(share.cpus)), share, on_end, until.wants)
    except Exception as error:
        if not type(error).__module__.startswith("ray."):
            raise
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise InputError(f"the Ray cluster is gone ({reason}); start it and give the same command again") from None
    finally:
        disconnect()
    return True
