import io
import tarfile

import pytest

from datasets.errors import InputError
from detectors.checkpoints import archive
from detectors.checkpoints.archive import find_prefix, refusal, unpack

FILES = {"model.ckpt.index": b"index", "model.ckpt.data-00000-of-00001": bytes(range(256)) * 400,
         "model.ckpt.meta": b"meta", "pipeline.config": b"model {}"}
OTHERS = {"frozen_inference_graph.pb": b"graph", "checkpoint": b"text", "saved_model/saved_model.pb": b"saved"}


def pack(path, files, mode="w:gz", **links):
    """Write an archive of the files, in order, then of symbolic links."""
    with tarfile.open(path, mode) as members:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            members.addfile(member, io.BytesIO(content))
        for name, target in links.items():
            member = tarfile.TarInfo(name.replace("_", "."))
            member.type, member.linkname = tarfile.SYMTYPE, target
            members.addfile(member)
    return path


def inside(folder, files):
    return {f"{folder}/{name}": content for name, content in files.items()}


@pytest.mark.parametrize(("name", "mode"), [("a.tar.gz", "w:gz"), ("a.tar", "w"), ("a.tar.xz", "w:xz")])
def test_only_the_checkpoint_comes_out(tmp_path, name, mode):
    unpack(pack(tmp_path / name, inside("ssd_2018", FILES | OTHERS), mode), tmp_path / "deep" / "a")
    assert {file.name: file.read_bytes() for file in (tmp_path / "deep" / "a").iterdir()} == FILES
    assert [file.name for file in (tmp_path / "deep").iterdir()] == ["a"]


@pytest.mark.parametrize(("files", "message"), [
    ({"a/model.ckpt.index": b"i"} | OTHERS, "is a frozen graph, which has no variables to train; give the model.ckpt"),
    ({"a/saved_model/saved_model.pb": b"s"}, "is a SavedModel"),
    ({"a/readme": b"r"}, "no model.ckpt in it"),
    ({}, "no model.ckpt in it"),
    (FILES | {"../model.ckpt.meta": b"m"}, "'../model.ckpt.meta' lies outside of the archive"),
    ({"a/../../model.ckpt.index": b"i"}, "lies outside"),
    ({"/tmp/model.ckpt.index": b"i"}, "lies outside"),
    (inside("a", FILES) | inside("b", FILES), "holds several checkpoints"),
])
def test_what_is_no_checkpoint_or_leaves_the_folder_is_refused(tmp_path, files, message):
    path = pack(tmp_path / "a.tar.gz", files)
    with pytest.raises(InputError, match=message):
        unpack(path, tmp_path / "deep" / "er" / "a")
    assert sorted(p.name for p in tmp_path.rglob("*")) == ["a.tar.gz", "deep", "er"]


def test_a_member_that_is_no_file_of_a_checkpoint_stays_in_the_archive_however_long_its_name(tmp_path):
    unpack(pack(tmp_path / "a.tar.gz", FILES | {f"model.ckpt.{'x' * 300}": b"", "model.ckpt.exe": b""}), tmp_path / "a")
    assert {file.name for file in (tmp_path / "a").iterdir()} == FILES.keys()


def test_modes_of_others_are_not_taken_over(tmp_path):
    with tarfile.open(tmp_path / "a.tar", "w") as members:
        for name, content in FILES.items():
            member = tarfile.TarInfo(name)
            member.size, member.mode = len(content), 0o6777
            members.addfile(member, io.BytesIO(content))
    unpack(tmp_path / "a.tar", tmp_path / "a")
    assert {file.stat().st_mode & 0o6022 for file in (tmp_path / "a").iterdir()} == {0}


def test_what_a_kill_left_is_removed(tmp_path):
    left = tmp_path / ".a.part" / "model.ckpt.index"
    left.parent.mkdir()
    left.write_bytes(b"half")
    unpack(pack(tmp_path / "a.tar.gz", FILES), tmp_path / "a")
    assert {file.name: file.read_bytes() for file in (tmp_path / "a").iterdir()} == FILES
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "a.tar.gz"]


def test_links_stay_in_the_archive(tmp_path):
    (tmp_path / "secret").write_text("secret")
    path = pack(tmp_path / "a.tar.gz", {"model.ckpt.index": b"i"}, **{"model_ckpt_data-00000-of-00001": "../secret"})
    with pytest.raises(InputError, match="no model.ckpt in it"):
        unpack(path, tmp_path / "a")
    assert not (tmp_path / "a").exists()


def test_an_archive_that_would_fill_the_disk_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(archive, "LARGEST", 100_000)
    with pytest.raises(InputError, match="unpacks to more than"):
        unpack(pack(tmp_path / "a.tar.gz", FILES), tmp_path / "a")


@pytest.mark.parametrize("mode", ["w:gz", "w", "w:xz", "w:bz2"])
def test_an_archive_cut_off_anywhere_is_refused(tmp_path, mode):
    content = pack(tmp_path / "a.tar", FILES, mode).read_bytes()
    last = content.rindex(bytes([254, 255])) if mode == "w" else len(content)  # tar itself has no checksum at its end
    for length in (0, 1, 100, last // 3, last // 2, last - 9):
        (tmp_path / "cut.tar").write_bytes(content[:length])
        with pytest.raises(InputError, match="cut.tar: "):
            unpack(tmp_path / "cut.tar", tmp_path / "cut")
    assert not (tmp_path / "cut").exists()


@pytest.mark.parametrize(("name", "content", "message"), [
    ("frozen_inference_graph.pb", b"\n\x14\n", "is a frozen graph"), ("saved_model.pb", b"\x08\x01", "a SavedModel"),
    ("a.tar.gz", b"<html>not found</html>", "not an archive"), ("weights.h5", b"\x89HDF", "not an archive"),
    ("model.ckpt.index", b"index", "one file of a checkpoint; give its prefix, .*model.ckpt$"),
    ("model.ckpt.data-00000-of-00001", b"data", "one file of a checkpoint; give its prefix, .*model.ckpt$"),
])
def test_other_files_are_told_for_what_they_are(tmp_path, name, content, message):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=message):
        unpack(tmp_path / name, tmp_path / "a")


def test_damage_within_is_noticed(tmp_path):
    path = pack(tmp_path / "a.tar.gz", FILES)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0xFF
    path.write_bytes(content)
    with pytest.raises(InputError, match="cut off or damaged"):
        unpack(path, tmp_path / "a")


def test_a_folder_that_is_in_the_way_is_left_alone(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "notes.txt").write_text("mine")
    with pytest.raises(InputError, match="there already, without a checkpoint; remove it"):
        unpack(pack(tmp_path / "a.tar.gz", FILES), tmp_path / "a")
    assert (tmp_path / "a" / "notes.txt").read_text() == "mine"


@pytest.mark.parametrize(("files", "path", "message"), [
    (["frozen_inference_graph.pb", "saved_model/saved_model.pb", "checkpoint"], "", "is a frozen graph"),
    (["saved_model/saved_model.pb"], "", "is a SavedModel"), (["saved_model.pb", "variables/x"], "", "is a SavedModel"),
    (["frozen_inference_graph.pb"], "frozen_inference_graph.pb", "is a frozen graph"),
    (["model.ckpt-100.index"], "", "give the prefix .*/model.ckpt-100$"), ([], "", "no checkpoint there"),
    ([], "model.ckpt", "no checkpoint there; give the path up to '.index'"),
    (["model.ckpt.index"], "model.ckpt.index", "give its prefix, .*/model.ckpt$"),
    (["model.ckpt.index"], "", "model.ckpt.index: no model.ckpt.data files beside it"),
    (["ckpt-1.index"], "ckpt-1", "ckpt-1.index: no ckpt-1.data files beside it"),
    ([], "x" * 300, "no checkpoint there"),
])
def test_folders_and_paths_without_a_checkpoint_are_told_for_what_they_are(tmp_path, files, path, message):
    for name in files:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    with pytest.raises(InputError, match=message):
        raise refusal(tmp_path / path)


def test_a_folder_is_preferred_to_a_prefix_of_its_name(tmp_path):
    unpack(pack(tmp_path / "a.tar", FILES), tmp_path / "mine")
    for name in ("mine.index", "mine.data-00000-of-00001"):
        (tmp_path / name).touch()
    assert find_prefix(tmp_path / "mine") == tmp_path / "mine" / "model.ckpt"
    (tmp_path / "mine" / "model.ckpt.index").unlink()
    assert find_prefix(tmp_path / "mine") == tmp_path / "mine"
