import errno
import socket

import numpy as np
import pytest

from datasets.errors import InputError
from detectors.checkpoints.download import download
from tests.detectors.checkpoints.server import serve

CONTENT = np.random.default_rng(0).bytes(3_500_000)
NAME = "a.tar.gz"


@pytest.fixture
def target(tmp_path):
    return tmp_path / "checkpoints" / NAME


def left(target) -> list[str]:
    return [path.name for path in target.parent.iterdir()]


def test_a_file_arrives_whole_and_its_progress_is_told(target, capsys):
    with serve({NAME: CONTENT}) as server:
        download(f"{server.url}/{NAME}", target, len(CONTENT))
    assert target.read_bytes() == CONTENT and left(target) == [NAME]
    assert "download: MB 3 of 3" in capsys.readouterr().err


@pytest.mark.parametrize("tells_size", [True, False])
def test_without_ranges_and_sizes_it_arrives_too(target, tells_size):
    with serve({NAME: CONTENT}, ranges=False, tells_size=tells_size) as server:
        download(f"{server.url}/{NAME}", target)
    assert target.read_bytes() == CONTENT


def test_what_breaks_off_goes_on_where_it_stopped(target):
    with serve({NAME: CONTENT}, dies_after=[1_000_000, 1_700_000]) as server:
        download(f"{server.url}/{NAME}", target, len(CONTENT))
    assert target.read_bytes() == CONTENT
    assert [wanted for _, wanted in server.asked] == ["", "bytes=1000000-", "bytes=2700000-"]


def test_a_server_that_ignores_ranges_sends_it_again(target):
    with serve({NAME: CONTENT}, ranges=False, dies_after=[1_000_000]) as server:
        download(f"{server.url}/{NAME}", target, len(CONTENT))
    assert target.read_bytes() == CONTENT
    assert [wanted for _, wanted in server.asked] == ["", "bytes=1000000-"]


def test_a_part_that_was_not_asked_for_is_not_appended(target):
    with serve({NAME: CONTENT}, dies_after=[1_000_000], misplaced=500_000) as server:
        download(f"{server.url}/{NAME}", target, len(CONTENT))
    assert target.read_bytes() == CONTENT
    assert [wanted for _, wanted in server.asked] == ["", "bytes=1000000-", ""]


def test_the_next_call_goes_on_too(target):
    with (serve({NAME: CONTENT}, dies_after=[2_000_000, 0]) as server,
          pytest.raises(InputError, match=r"ended early \(2.0 MB are kept; the same command goes on from there\)")):
        download(f"{server.url}/{NAME}", target, len(CONTENT))
    assert left(target) == [f"{NAME}.part"]
    with serve({NAME: CONTENT}) as server:
        download(f"{server.url}/{NAME}", target, len(CONTENT))
    assert target.read_bytes() == CONTENT and server.asked == [(NAME, "bytes=2000000-")]


@pytest.mark.parametrize("surplus", [b"", b"of another file"])
def test_a_part_that_is_as_long_as_the_file_or_longer(target, surplus):
    target.parent.mkdir()
    target.with_name(f"{NAME}.part").write_bytes(CONTENT + surplus)
    with serve({NAME: CONTENT}) as server:
        download(f"{server.url}/{NAME}", target, len(CONTENT))
    assert target.read_bytes() == CONTENT and left(target) == [NAME]
    assert len(server.asked) == (2 if surplus else 1)


def test_another_size_is_refused_at_once(target):
    with (serve({NAME: CONTENT}) as server,
          pytest.raises(InputError, match="has 3,500,000 bytes and not 4,000,000; the published file is another one")):
        download(f"{server.url}/{NAME}", target, 4_000_000)
    assert left(target) == []


def test_without_network_it_is_told_what_to_do(target):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/{NAME}"
        with pytest.raises(InputError) as error:
            download(url, target)
    assert str(error.value).startswith(f"{url}: ")
    assert str(error.value).endswith(f"; or get it elsewhere and put it at {target}")
    assert left(target) == []


@pytest.mark.parametrize(("address", "message"), [
    ("{url}/b.tar.gz", "404 Not Found"), ("nonsense", "unknown url type")])
def test_what_is_not_there_is_told(target, address, message):
    with serve({NAME: CONTENT}) as server, pytest.raises(InputError, match=message):
        download(address.format(url=server.url), target)


def test_a_full_disk_is_not_the_servers_fault(target, monkeypatch):
    def fail(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("detectors.checkpoints.download._copy", fail)
    with serve({NAME: CONTENT}) as server, pytest.raises(OSError, match="No space left"):
        download(f"{server.url}/{NAME}", target)
