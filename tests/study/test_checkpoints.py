import pytest

from datasets.errors import InputError
from study import checkpoints
from study.checkpoints import (
    DATA,
    INDEX,
    checkpoint_files,
    checkpoint_hash,
    checkpoint_prefix,
    is_at_hand,
    is_there,
    zoo_archive,
)

NAME = "ssd_mobilenet_v2_oid_v4_2018_12_12"


@pytest.fixture
def repository(tmp_path, monkeypatch):
    monkeypatch.setattr(checkpoints, "REPOSITORY", tmp_path)
    return tmp_path


def put(prefix):
    prefix.parent.mkdir(parents=True, exist_ok=True)
    for suffix in (INDEX, DATA):
        prefix.with_name(f"{prefix.name}{suffix}").touch()


def test_a_checkpoint_is_its_files(repository):
    (repository / "model.ckpt.index").write_bytes(b"i")
    with pytest.raises(InputError, match=r"model\.ckpt: no checkpoint there"):
        checkpoint_files("model.ckpt")
    (repository / "model.ckpt.data-00000-of-00001").write_bytes(b"d")
    (repository / "model.ckpt2.index").write_bytes(b"other")
    assert [f.name for f in checkpoint_files("model.ckpt")] == ["model.ckpt.index", "model.ckpt.data-00000-of-00001"]
    before = checkpoint_hash("model.ckpt")
    (repository / "model.ckpt.data-00000-of-00001").write_bytes(b"e")
    assert checkpoint_hash("model.ckpt") != before and checkpoint_hash("") == ""


@pytest.mark.parametrize(("given", "prefix"), [
    (NAME, f"checkpoints/{NAME}/model.ckpt"), ("folder/a.tar.gz", "checkpoints/a/model.ckpt"),
    ("/elsewhere/a.tgz", "checkpoints/a/model.ckpt"), ("a.tar", "checkpoints/a/model.ckpt"),
    ("download", "checkpoints/download/model.ckpt"),  # a file without a suffix
    ("folder", "folder/model.ckpt"), ("folder/", "folder/model.ckpt"), ("folder/model.ckpt-7", "folder/model.ckpt-7"),
    ("absent/model.ckpt", "absent/model.ckpt"), ("ckpt-3", "ckpt-3"),
    ("configs/models/embedded_source/model.ckpt", "configs/models/embedded_source/model.ckpt"),
])
def test_where_a_checkpoint_lies(repository, given, prefix):
    (repository / "folder").mkdir()
    (repository / "download").touch()
    put(repository / "ckpt-3")
    assert checkpoint_prefix(given) == repository / prefix


def test_an_absolute_path_is_taken_as_it_is(repository, tmp_path_factory):
    folder = tmp_path_factory.mktemp("elsewhere")
    assert checkpoint_prefix(str(folder)) == folder / "model.ckpt"


def test_what_is_at_hand(repository):
    assert not is_at_hand(NAME)
    zoo_archive(NAME).parent.mkdir()
    zoo_archive(NAME).touch()
    assert is_at_hand(NAME)
    zoo_archive(NAME).unlink()
    checkpoint_prefix(NAME).parent.mkdir()
    assert not is_at_hand(NAME)
    checkpoint_prefix(NAME).with_suffix(".ckpt.index").touch()
    assert not is_at_hand(NAME)  # an index without data
    put(checkpoint_prefix(NAME))
    assert is_at_hand(NAME)


def test_a_folder_and_a_prefix_of_one_name(repository):
    (repository / "mine").mkdir()
    put(repository / "mine")
    assert checkpoint_prefix("mine") == repository / "mine"
    put(repository / "mine" / "model.ckpt")
    assert checkpoint_prefix("mine") == repository / "mine" / "model.ckpt"


def test_names_with_brackets_are_no_patterns(repository):
    put(repository / "run [1]")
    put(repository / "run 1")
    assert is_there(repository / "run [1]") and not is_there(repository / "run [2]")
    assert [file.name for file in checkpoint_files("run [1]")] == [f"run [1]{INDEX}", f"run [1]{DATA}"]


@pytest.mark.parametrize("given", ["x" * 300, "a/" + "x" * 300, "x" * 300 + ".tar.gz"])
def test_endless_names_are_of_nothing(repository, given):
    with pytest.raises(InputError, match="no checkpoint there"):
        checkpoint_files(given)
