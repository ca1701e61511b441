"""No GPU is needed: torch's functions and NVML's are stood in for, by what their documentation says of them."""

import sys
from types import SimpleNamespace

import pytest
import torch

from ttclab.hardware import GPUS, Meter, find_gpu
from ttclab.ledger import billed, charge
from ttclab.problems import load_problems


class Device:
    """A GPU that torch's allocator and NVML report on."""

    def __init__(self, monkeypatch):
        self.held = self.peak = self.blocks = self.millijoules = self.waits = 0
        self.used = True
        cuda = {
            "is_initialized": lambda: self.used,
            "synchronize": self.wait,
            "max_memory_allocated": lambda: self.peak,
            "reset_peak_memory_stats": self.reset,
            "memory_stats": lambda: {"allocation.all.allocated": self.blocks} if self.blocks else {},
            "current_device": lambda: 3,
            "get_device_properties": lambda index: SimpleNamespace(uuid={3: "0123-abcd"}[index]),
        }
        for name, function in cuda.items():
            monkeypatch.setattr(torch.cuda, name, function)
        self.nvml = SimpleNamespace(
            NVMLError=OSError,
            nvmlInit=lambda: None,
            nvmlDeviceGetHandleByUUID=lambda uuid: {"GPU-0123-abcd": "the handle"}[uuid],
            nvmlDeviceGetTotalEnergyConsumption=lambda handle: {"the handle": self.millijoules}[handle],
        )
        monkeypatch.setitem(sys.modules, "pynvml", self.nvml)

    def wait(self):
        self.waits += 1

    def reset(self):
        self.peak = self.held

    def work(self, most, keep=0, joules=0.0):
        """Take `most` bytes, keep some of them, draw energy."""
        self.blocks += 1
        self.peak = max(self.peak, self.held + most)
        self.held += keep
        self.millijoules += round(1000 * joules)


@pytest.fixture
def device(monkeypatch):
    return Device(monkeypatch)


def test_the_peak_of_memory_is_that_of_the_block_and_includes_what_was_there(device):
    device.work(900, keep=100)
    with Meter() as meter:
        device.work(50, joules=2.5)
        device.work(20, joules=1.0)
    assert (meter.peak_bytes, meter.joules) == (150, 3.5)


def test_a_block_inside_a_block_does_not_lose_the_peak_of_either(device):
    with Meter() as outer:
        device.work(500, joules=1)
        with Meter() as first:
            device.work(30, keep=10, joules=2)
        with Meter() as second:
            device.work(40, joules=4)
    assert [meter.peak_bytes for meter in (outer, first, second)] == [500, 30, 50]
    assert [meter.joules for meter in (outer, first, second)] == [7, 2, 4]
    with Meter() as late:
        device.work(5)
        with Meter():
            device.work(600)
    assert late.peak_bytes == 610


def test_a_meter_is_forgotten_when_its_block_ends_even_in_an_error(device):
    with pytest.raises(KeyError), Meter() as meter:
        device.work(30, joules=2)
        raise KeyError
    assert (meter.peak_bytes, meter.joules) == (30, 2)
    assert Meter._open == []


def test_the_host_waits_for_the_gpu_at_both_ends_and_never_between(device):
    problem = load_problems("test", limit=1)[0]
    with billed() as bill:
        before = device.waits
        for _ in range(100):
            charge(problem, "decode", tokens=1, flops=1)
        assert bill.seconds > 0 and device.waits == before
    assert device.waits == 2


def test_the_clock_stops_when_the_gpu_is_done(device, monkeypatch):
    now = [0.0]
    monkeypatch.setattr("ttclab.hardware.perf_counter", lambda: now[0])
    monkeypatch.setattr(torch.cuda, "synchronize", lambda: now.__setitem__(0, now[0] + 10))
    with Meter() as meter:
        now[0] += 1
    assert meter.seconds == 11


def test_work_on_the_cpu_beside_an_idle_gpu_has_no_peak_no_energy_and_no_mfu(device):
    device.work(900, keep=900)
    with billed() as bill:
        device.millijoules += 5000
        charge(load_problems("test", limit=1)[0], "decode", flops=10)
    assert (bill.peak_bytes, bill.joules, bill.mfu(1e12)) == (None, None, None)


def test_a_gpu_first_used_inside_the_block_has_a_peak_and_no_energy(device):
    device.used = False
    with Meter() as meter:
        device.used = True
        device.work(70, joules=3)
    assert (meter.peak_bytes, meter.joules) == (70, None)


def test_energy_is_none_where_nvml_does_not_answer(device, monkeypatch):
    def refuse(_):
        raise OSError("Not Supported")

    device.nvml.nvmlDeviceGetTotalEnergyConsumption = refuse
    with Meter() as meter:
        device.work(70, joules=3)
    assert (meter.peak_bytes, meter.joules) == (70, None)
    monkeypatch.setitem(sys.modules, "pynvml", None)  # not installed
    with Meter() as meter:
        device.work(70, joules=3)
    assert (meter.peak_bytes, meter.joules) == (70, None)


def test_mfu_is_the_flops_charged_over_those_the_gpu_had_time_for(device, monkeypatch):
    now = [0.0]
    monkeypatch.setattr("ttclab.hardware.perf_counter", lambda: now[0])
    with billed() as bill:
        device.work(1)
        now[0] += 4
        problem = load_problems("test", limit=1)[0]
        charge(problem, "decode", flops=10**12)
        charge(problem, "verifier", flops=10**12)
        charge(problem, "cached", flops=10**15)
        assert bill.mfu(1e12) is None
    assert bill.mfu(GPUS["L4"].peak("bf16")) == pytest.approx(2 / (4 * 121))


def test_without_a_gpu_nothing_of_a_gpu_is_measured():
    with Meter() as meter:
        torch.ones(1000).sum()
    assert meter.seconds > 0 and (meter.peak_bytes, meter.joules) == (None, None)


@pytest.mark.parametrize("gpu", GPUS.values(), ids=lambda gpu: gpu.name)
def test_the_table_of_gpus_holds_together(gpu):
    assert find_gpu(gpu.name) == gpu and all(find_gpu(name) == gpu for name in gpu.reported_as)
    assert gpu.source[-1] == ")" or gpu.source[-4:].isdecimal()  # ends in a year, or in a remark on it
    assert gpu.peak("fp16") == gpu.peak(torch.float16) > gpu.tflops.get("fp32", 0) * 1e12
    assert gpu.tflops.get("bf16", gpu.tflops["fp16"]) == gpu.tflops["fp16"]
    # Twice the rate in half the bits: a figure "with sparsity" among dense ones would break it.
    assert gpu.tflops.get("fp8", 2 * gpu.tflops["fp16"]) == pytest.approx(2 * gpu.tflops["fp16"], rel=0.01)
    assert gpu.tflops.get("tf32", gpu.tflops["fp16"] / 2) == pytest.approx(gpu.tflops["fp16"] / 2, rel=0.01)
    assert 50 < gpu.peak("fp16") / gpu.bytes_per_second < 450
    assert gpu.bytes_per_second == gpu.bandwidth * 10**9


def test_the_memory_of_a_t4_is_256_bits_at_10_gigabits_a_second():
    assert find_gpu("Tesla T4").bytes_per_second == 256 // 8 * 10 * 10**9


@pytest.mark.parametrize(
    ("call", "rule"),
    [
        (lambda: find_gpu("NVIDIA H800"), "the table has T4, .*, not 'NVIDIA H800'"),
        (lambda: GPUS["T4"].peak("bf16"), "the T4 has a peak for fp32, fp16, not for bf16"),
        (lambda: GPUS["T4"].peak(torch.int8), "a dtype is one of fp32, .* not 'torch.int8'"),
    ],
)
def test_what_is_not_in_the_table_is_an_error(call, rule):
    with pytest.raises(ValueError, match=rule):
        call()
