import hashlib
import os
import threading

import pytest

from datasets.errors import InputError
from datasets.files import read_json, sha256_of
from detectors.checkpoints import zoo
from detectors.checkpoints.zoo import Published, provide
from study import checkpoints
from study.checkpoints import checkpoint_files, checkpoint_hash
from tests.detectors.checkpoints.server import serve
from tests.detectors.checkpoints.test_archive import FILES, OTHERS, inside, pack

NAME = "ssd_mobilenet_v2_oid_v4_2018_12_12"
UNKNOWN = "ssd_resnet101_v1_fpn_shared_box_predictor_oid_512x512_sync_2019_01_20"


@pytest.fixture
def repository(tmp_path, monkeypatch):
    """A repository without checkpoints, and a zoo whose first archive is published as `archive` has it."""
    for module in (checkpoints, zoo):
        monkeypatch.setattr(module, "REPOSITORY", tmp_path / "repository")
    (tmp_path / "repository").mkdir()
    path = tmp_path / "published.tar.gz"
    pack(path, inside("name", FILES | OTHERS))
    data = hashlib.sha256(FILES["model.ckpt.data-00000-of-00001"]).hexdigest()
    monkeypatch.setitem(zoo.ZOO, NAME, Published(path.stat().st_size, sha256_of(path), data))
    return tmp_path / "repository"


@pytest.fixture
def archive(repository) -> bytes:
    return (repository.parent / "published.tar.gz").read_bytes()


def there(repository) -> list[str]:
    """Return what lies in checkpoints/ but locks."""
    return sorted(path.name for path in (repository / "checkpoints").iterdir() if not path.name.startswith("."))


@pytest.mark.parametrize("name", [NAME, UNKNOWN])
def test_a_checkpoint_is_got_by_name_once(repository, archive, name):
    with serve({f"{name}.tar.gz": archive}) as server:
        provide(name, server.url)
        provide(name, server.url)
    assert server.asked == [(f"{name}.tar.gz", "")] and there(repository) == [name, f"{name}.json"]
    assert [file.read_bytes() for file in checkpoint_files(name)] == list(FILES.values())[:2]
    assert read_json(repository / "checkpoints" / f"{name}.json")["bytes"] == len(archive)


def test_processes_that_want_the_same_share_one_download(repository, archive):
    with serve({f"{NAME}.tar.gz": archive}) as server:
        threads = [threading.Thread(target=provide, args=(NAME, server.url)) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(server.asked) == 1 and there(repository) == [NAME, f"{NAME}.json"]


def test_an_archive_put_there_needs_no_network(repository, archive):
    (repository / "checkpoints").mkdir()
    (repository / "checkpoints" / f"{NAME}.tar.gz").write_bytes(archive)
    provide(NAME, "http://127.0.0.1:9")
    assert there(repository) == [NAME, f"{NAME}.json", f"{NAME}.tar.gz"]


@pytest.mark.parametrize(("change", "message"), [
    (lambda content: content[:-9], "bytes and not"),
    (lambda content: content[:-1] + bytes([content[-1] ^ 1]), "SHA-256"),
])
@pytest.mark.parametrize("by_hand", [True, False])
def test_another_archive_than_the_published_one_is_refused(repository, archive, by_hand, change, message):
    if by_hand:
        (repository / "checkpoints").mkdir()
        (repository / "checkpoints" / f"{NAME}.tar.gz").write_bytes(change(archive))
    with serve({f"{NAME}.tar.gz": change(archive)}) as server, pytest.raises(InputError, match=message):
        provide(NAME, server.url)
    assert there(repository) == [f"{NAME}.tar.gz"] * by_hand  # what someone put there is not ours to remove


def test_an_unpublished_identity_is_recorded_and_compared(repository, archive):
    with serve({f"{UNKNOWN}.tar.gz": archive}) as server:
        provide(UNKNOWN, server.url)
    for file in (repository / "checkpoints" / UNKNOWN).iterdir():
        file.unlink()
    (repository / "checkpoints" / UNKNOWN).rmdir()
    other = pack(repository.parent / "other.tar.gz", inside("name", FILES | {"model.ckpt.meta": b"other"})).read_bytes()
    with (serve({f"{UNKNOWN}.tar.gz": other}) as server,
          pytest.raises(InputError, match="is not the archive that was here first")):
        provide(UNKNOWN, server.url)
    with serve({f"{UNKNOWN}.tar.gz": archive}) as server:
        provide(UNKNOWN, server.url)
    assert there(repository) == [UNKNOWN, f"{UNKNOWN}.json"]


class Killed(BaseException):
    """The end of a process, in a test."""


def kill(*_):
    raise Killed


@pytest.mark.parametrize("name", [NAME, UNKNOWN])
@pytest.mark.parametrize(("function", "after"), [("_identity", 0), ("unpack", 0), ("unpack", 1)])
def test_what_a_kill_left_is_used_and_removed_later(repository, archive, monkeypatch, name, function, after):
    """Killed before (0) or after (1) a step of providing it."""
    done = getattr(zoo, function)
    with monkeypatch.context() as patch:
        patch.setattr(zoo, function, lambda *given: kill(after and done(*given)))
        with serve({f"{name}.tar.gz": archive}) as server, pytest.raises(Killed):
            provide(name, server.url)
    provide(name, "http://127.0.0.1:9")
    assert there(repository) == [name, f"{name}.json"]
    assert sorted(path.name for path in (repository / "checkpoints").glob(".*")) == [f".{name}.lock"]
    assert read_json(repository / "checkpoints" / f"{name}.json")["sha256"] == hashlib.sha256(archive).hexdigest()


def test_an_archive_put_there_stays_after_a_kill_too(repository, archive, monkeypatch):
    (repository / "checkpoints").mkdir()
    (repository / "checkpoints" / f"{NAME}.tar.gz").write_bytes(archive)
    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(zoo, "unpack", kill)
        provide(NAME)
    provide(NAME)
    provide(NAME)
    assert there(repository) == [NAME, f"{NAME}.json", f"{NAME}.tar.gz"]


def test_a_folder_filled_by_hand_is_compared_once(repository, monkeypatch):
    folder = repository / "checkpoints" / NAME
    folder.mkdir(parents=True)
    (folder / "model.ckpt.index").write_bytes(FILES["model.ckpt.index"])
    data = folder / "model.ckpt.data-00000-of-00001"
    data.write_bytes(b"other")
    with pytest.raises(InputError, match=f"{NAME}: holds another checkpoint than the published one; remove it"):
        provide(NAME)
    data.rename(folder / "model.ckpt.data-00000-of-00002")
    with pytest.raises(InputError, match="holds another checkpoint"):
        provide(NAME)
    data.write_bytes(FILES[data.name])
    assert there(repository) == [NAME]
    provide(NAME)
    assert there(repository) == [NAME, f"{NAME}.json"]
    monkeypatch.setattr(zoo, "sha256_of", kill)
    provide(NAME)


def test_an_index_without_data_is_no_checkpoint(repository, archive):
    for name, content in (("kept.txt", b"mine"), ("model.ckpt.index", b"index")):
        path = repository / "checkpoints" / NAME / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    with serve({f"{NAME}.tar.gz": archive}) as server, pytest.raises(InputError, match="without a checkpoint; remove"):
        provide(NAME, server.url)


@pytest.mark.parametrize("content", ["[]", "3", '"text"', "null", "{"])
def test_a_record_that_is_none_is_refused(repository, content):
    (repository / "checkpoints").mkdir()
    (repository / "checkpoints" / f"{NAME}.json").write_text(content)
    with pytest.raises(InputError, match=f"{NAME}.json: not "):
        provide(NAME, "http://127.0.0.1:9")


@pytest.mark.parametrize("stem", ["", ".", "..", ".hidden", "x" * 240])
def test_an_archive_whose_name_is_not_fit_for_a_folder_is_refused(repository, archive, stem):
    (repository / f"{stem}.tar.gz").write_bytes(archive)
    before = sorted(os.listdir(repository))
    with pytest.raises(InputError, match="rename it"):
        provide(f"{stem}.tar.gz")
    assert sorted(os.listdir(repository)) == before


@pytest.mark.parametrize(("given", "message"), [
    ("x" * 300, "not in the zoo"), ("a/" + "x" * 300, "no checkpoint there"),
    ("x" * 300 + ".tar", "no checkpoint there"),
])
def test_endless_names_are_refused(repository, given, message):
    with pytest.raises(InputError, match=message):
        provide(given)


def test_a_page_instead_of_an_archive_is_refused_and_removed(repository):
    with (serve({f"{UNKNOWN}.tar.gz": b"<html>moved</html>"}) as server,
          pytest.raises(InputError, match="not an archive")):
        provide(UNKNOWN, server.url)
    assert there(repository) == []


def test_without_network_it_is_told_where_to_put_it(repository):
    with pytest.raises(InputError, match=rf"put it at {repository}/checkpoints/{NAME}.tar.gz"):
        provide(NAME, "http://127.0.0.1:9")


@pytest.mark.parametrize("place", ["mine.tar.gz", "deep/mine.tar.gz", "checkpoints/mine.tar.gz"])
def test_an_archive_given_by_path_is_unpacked_once(repository, archive, place):
    path = repository / place
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(archive)
    for given in (place, str(path)):
        provide(given)
        assert checkpoint_files(given)[0] == repository / "checkpoints" / "mine" / "model.ckpt.index"
    before = checkpoint_hash(place)
    path.unlink()  # what was unpacked is enough
    provide(place)
    assert checkpoint_hash(place) == before


def test_two_archives_of_one_name_are_not_mixed_up(repository, archive):
    (repository / "mine.tar.gz").write_bytes(archive)
    provide("mine.tar.gz")
    pack(repository / "mine.tar.gz", inside("name", FILES | {"model.ckpt.index": b"new"}))
    with pytest.raises(InputError, match="holds a checkpoint that is not from .*remove that folder, or rename"):
        provide("mine.tar.gz")


def test_an_archive_of_ones_own_does_not_pass_for_the_published_one(repository):
    pack(repository / f"{NAME}.tar.gz", FILES)
    provide(f"{NAME}.tar.gz")
    with pytest.raises(InputError, match="was unpacked from another archive than the published one; remove it"):
        provide(NAME)


def test_folders_and_prefixes_are_taken_as_they_are(repository):
    (repository / "mine").mkdir()
    for name, content in FILES.items():
        (repository / "mine" / name).write_bytes(content)
    for given in ("", "mine", "mine/", "mine/model.ckpt", str(repository / "mine")):
        provide(given)
    assert not (repository / "checkpoints").exists()


@pytest.mark.parametrize(("given", "message"), [
    ("ssd_mobilenet_v2_oid_v4", f"not in the zoo; did you mean '{NAME}'?"), ("here/model.ckpt", "no checkpoint there"),
    ("graph.pb", "is a frozen graph"), ("cut.tar.gz", "is cut off or damaged"), ("zoo", "is a frozen graph"),
])
def test_what_is_no_checkpoint_is_refused(repository, given, message):
    (repository / "graph.pb").write_bytes(b"graph")
    (repository / "cut.tar.gz").write_bytes(b"\x1f\x8b")
    (repository / "zoo").mkdir()
    (repository / "zoo" / "frozen_inference_graph.pb").write_bytes(b"graph")
    with pytest.raises(InputError, match=message):
        provide(given)
    assert not list((repository / "checkpoints").glob("[!.]*"))
