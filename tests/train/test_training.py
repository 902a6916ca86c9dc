import shutil

import numpy as np
import pytest

from study.layout import StudyFolder
from tests.train.cells import CELL, WHOLE, weights
from train.run import train_cell


def _copied(folder, root):
    return StudyFolder(shutil.copytree(folder.root, root / folder.root.name))


@pytest.mark.slow
def test_a_training_whose_last_checkpoint_is_damaged_ends_as_it_had(trained, tmp_path, capsys):
    study, folder, before = trained
    folder = _copied(folder, tmp_path)
    checkpoints = folder.run(CELL).checkpoints
    kept = weights(checkpoints / "ckpt-30")
    data = checkpoints / "ckpt-30.data-00000-of-00001"
    data.write_bytes(data.read_bytes()[:1000])
    training = train_cell(study, folder, CELL, "on a test")
    assert (training.checkpoint, training.resumed_at, training.fingerprint) == ("ckpt-30", 20, before.fingerprint)
    err = capsys.readouterr().err
    assert f"{checkpoints}/ckpt-30: not whole; trained on from what is\n" in err and "going on from step 20\n" in err
    for name, values in weights(checkpoints / "ckpt-30").items():
        np.testing.assert_allclose(values, kept[name], rtol=1e-4, atol=1e-6)


@pytest.mark.slow
def test_the_best_weights_are_found_again_where_they_are_damaged(tuned, tmp_path, capsys):
    study, folder, before = tuned
    folder = _copied(folder, tmp_path)
    run = folder.run(WHOLE)
    looks, kept = run.tuning.read_text(), weights(run.checkpoints / before.checkpoint)
    (run.checkpoints / f"{before.checkpoint}.index").write_bytes(b"")
    run.training.write_text('{"fingerprint": ')
    training = train_cell(study, folder, WHOLE, "on a test")
    assert (training.checkpoint, training.steps, run.tuning.read_text()) == (before.checkpoint, before.steps, looks)
    err = capsys.readouterr().err
    assert "training.json: not valid JSON" in err and f"{before.checkpoint} is not whole" in err
    for name, values in weights(run.checkpoints / training.checkpoint).items():
        np.testing.assert_allclose(values, kept[name], rtol=1e-4, atol=1e-6)
