import pytest

from study.energy import Counter, Meter, cpu_counters, gpu_counters


def readings(*values):
    left = iter(values)
    return lambda: next(left)


@pytest.mark.parametrize(("counters", "joules"), [
    ([], [None, None]),
    ([Counter(readings(5.0, 6.0, 8.5))], [1.0, 3.5]),
    ([Counter(readings(5.0, 6.0, 8.5)), Counter(readings(0.0, 1.0, 1.0))], [2.0, 4.5]),
    ([Counter(readings(90.0, 98.0, 3.0), wrap=100.0)], [8.0, 13.0]),
    ([Counter(readings(1.0, 2.0))], [1.0, None]),  # it stops to tell
    ([Counter(readings())], [None, None]),
])
def test_a_meter_sums_what_counters_rise_by(counters, joules):
    meter = Meter(counters)
    assert [meter.joules(), meter.joules()] == joules


def powercap(root, **changes):
    """Write the files of a machine with two packages, one with a domain of its own, and the whole platform."""
    zones = {"intel-rapl:0": "package-0", "intel-rapl:0:0": "core", "intel-rapl:1": "package-1", "intel-rapl:2": "psys"}
    for number, (zone, name) in enumerate(zones.items()):
        (root / zone).mkdir(parents=True)
        for file, content in ({"name": name, "energy_uj": 1_500_000 * (number + 1),
                               "max_energy_range_uj": 262_143_328_850} | changes).items():
            (root / zone / file).write_text(f"{content}\n")
    return root


def test_a_cpu_counts_in_its_packages_alone(tmp_path):
    counters = cpu_counters(powercap(tmp_path))
    assert [counter.read() for counter in counters] == [1.5, 4.5]
    assert [counter.wrap for counter in counters] == [262_143.32885] * 2
    meter = Meter(counters)
    (tmp_path / "intel-rapl:1" / "energy_uj").write_text("500000\n")  # it has started over
    assert meter.joules() == pytest.approx(262_143.32885 - 4.0)


@pytest.mark.parametrize("changes", [{"energy_uj": ""}, {"max_energy_range_uj": "x"}])
def test_a_cpu_that_does_not_tell_has_no_counter(tmp_path, changes):
    assert cpu_counters(powercap(tmp_path / "a", **changes)) == []
    assert cpu_counters(tmp_path / "absent") == []


def test_a_gpu_that_is_not_there_has_no_counter():
    assert gpu_counters(1, "GPU-00000000-0000-0000-0000-000000000000") == []
