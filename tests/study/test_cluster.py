import socket

import pytest

from datasets.errors import InputError
from study import cluster
from study.cluster import Resources, connect, visible_gpus


def test_resources_add_up():
    resources = Resources(((2, 0), (16, 4)))
    assert (resources.cpus, resources.gpus) == (18, 4)


@pytest.mark.parametrize(("address", "fragment"), [
    ("127.0.0.1:1", "127.0.0.1:1: nobody answers there"), ("no-such-host.invalid:6379", "nobody answers there"),
    ("nonsense", "give HOST:PORT"), ("host:port", "give HOST:PORT"), ("host:99999", "give HOST:PORT"),
    (":6379", "give HOST:PORT"), ("ray://127.0.0.1:10001", "give HOST:PORT"),
])
@pytest.mark.parametrize("by", ["argument", "environment"])
def test_an_unreachable_cluster_is_one_line(monkeypatch, address, fragment, by):
    pytest.importorskip("ray")
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    if by == "environment":
        monkeypatch.setenv("RAY_ADDRESS", address)
    with pytest.raises(InputError, match=fragment):
        connect(address if by == "argument" else "")


def test_something_else_that_listens_there_is_one_line(monkeypatch):
    pytest.importorskip("ray")
    monkeypatch.setattr(cluster, "PATIENCE", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as server, pytest.raises(InputError, match="is not Ray"):
        connect(f"127.0.0.1:{server.getsockname()[1]}")


def test_without_ray_it_says_what_to_do(monkeypatch):
    monkeypatch.setattr(cluster.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(InputError, match="Ray is not installed; install requirements.txt"):
        connect()


@pytest.mark.parametrize(("visible", "number"), [("", 0), ("-1", 0), ("0", 1), ("0,3", 2), ("GPU-1,GPU-2,GPU-3", 3)])
def test_gpus_that_are_hidden_do_not_count(monkeypatch, visible, number):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    assert visible_gpus() == number
