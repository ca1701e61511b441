"""What a GPU can do, and what a run took of it: published peaks, and a meter of time, memory and energy."""

import sys
from dataclasses import dataclass
from time import perf_counter
from typing import TYPE_CHECKING, Any, ClassVar, Self

if TYPE_CHECKING:
    import torch

BYTES = {"fp32": 4, "tf32": 4, "fp16": 2, "bf16": 2, "fp8": 1}  # of a number in memory
_NAMES = {
    "torch.float32": "fp32", "torch.float16": "fp16", "torch.bfloat16": "bf16",
    "torch.float8_e4m3fn": "fp8", "torch.float8_e5m2": "fp8",
}  # fmt: skip


def dtype_name(dtype: "str | torch.dtype") -> str:
    """ "fp32", "tf32", "fp16", "bf16" or "fp8", from that name or torch's dtype. Raises ValueError for any other."""
    name = dtype if isinstance(dtype, str) else _NAMES.get(str(dtype), str(dtype))
    if name not in BYTES:
        raise ValueError(f"a dtype is one of {', '.join(BYTES)}, or torch's own of the same, not {name!r}")
    return name


@dataclass(frozen=True)
class Gpu:
    """A GPU as its maker describes it.

    tflops: peak of dense matrix products, in 10^12 FLOP/s by dtype: never the doubled figure "with sparsity", and in
    half precision with sums kept in fp32, as torch does; fp32 is without tensor cores, which torch only uses on fp32
    as "tf32", when told to. memory: GB (10^9 bytes); bandwidth: of that memory, in GB/s; reported_as: what
    torch.cuda.get_device_name says; source: of these figures.
    """

    name: str
    tflops: dict[str, float]
    memory: int
    bandwidth: int
    reported_as: tuple[str, ...]
    source: str

    def peak(self, dtype: "str | torch.dtype") -> int:
        """FLOP/s at most, in this dtype. Raises ValueError for one that this GPU has no figure for."""
        name = dtype_name(dtype)
        if name not in self.tflops:
            raise ValueError(f"the {self.name} has a peak for {', '.join(self.tflops)}, not for {name}")
        return round(self.tflops[name] * 1e12)

    @property
    def bytes_per_second(self) -> int:
        return self.bandwidth * 10**9


def _hopper(name: str, memory: int, bandwidth: int, reported_as: str, source: str) -> Gpu:
    tflops = {"fp32": 66.9, "tf32": 494.7, "fp16": 989.4, "bf16": 989.4, "fp8": 1978.9}
    return Gpu(name, tflops, memory, bandwidth, (reported_as,), source)


def _a100(name: str, memory: int, bandwidth: int, reported_as: tuple[str, ...]) -> Gpu:
    tflops = {"fp32": 19.5, "tf32": 156, "fp16": 312, "bf16": 312}
    return Gpu(name, tflops, memory, bandwidth, reported_as, "NVIDIA A100 Tensor Core GPU datasheet, 2021")


GPUS = {
    gpu.name: gpu
    for gpu in (
        Gpu(
            "T4", {"fp32": 8.1, "fp16": 65}, 16, 320, ("Tesla T4",),
            "NVIDIA T4 Tensor Core GPU datasheet, 2018 (its memory: 256 bits at 10 Gb/s)",
        ),
        Gpu(
            "L4", {"fp32": 30.3, "tf32": 60, "fp16": 121, "bf16": 121, "fp8": 242.5}, 24, 300, ("NVIDIA L4",),
            "NVIDIA L4 Tensor Core GPU datasheet, 2023 (half of its figures with sparsity)",
        ),
        Gpu(  # Amazon's own variant: more fp32 and half the tensor throughput of the A10
            "A10G", {"fp32": 35, "tf32": 35, "fp16": 70, "bf16": 70}, 24, 600, ("NVIDIA A10G",),
            "NVIDIA A10G datasheet for AWS, 2022 (bf16 as fast as fp16, as on all its family)",
        ),
        _a100("A100 40GB", 40, 1555, ("NVIDIA A100-SXM4-40GB", "NVIDIA A100-PCIE-40GB")),
        _a100("A100 80GB", 80, 2039, ("NVIDIA A100-SXM4-80GB",)),
        _a100("A100 80GB PCIe", 80, 1935, ("NVIDIA A100 80GB PCIe",)),
        _hopper(
            "H100 SXM", 80, 3350, "NVIDIA H100 80GB HBM3",
            "NVIDIA H100 Tensor Core GPU Architecture whitepaper, 2023; bandwidth: H100 datasheet, 2023",
        ),
        Gpu(
            "H100 PCIe", {"fp32": 51, "tf32": 378, "fp16": 756.5, "bf16": 756.5, "fp8": 1513}, 80, 2000,
            ("NVIDIA H100 PCIe",), "NVIDIA H100 Tensor Core GPU datasheet, 2022 (half of its figures with sparsity)",
        ),
        _hopper(
            "H200", 141, 4800, "NVIDIA H200",
            "NVIDIA H200 Tensor Core GPU datasheet, 2024 (the arithmetic of the H100 SXM, with more memory)",
        ),
        Gpu(  # fp32 and tf32 are left out: the maker's own documents disagree
            "B200", {"fp16": 2250, "bf16": 2250, "fp8": 4500}, 180, 8000, ("NVIDIA B200",),
            "NVIDIA DGX B200 datasheet, 2024 (an eighth of the system, half of its figures with sparsity)",
        ),
        Gpu(
            "RTX 4090", {"fp32": 82.6, "tf32": 82.6, "fp16": 165.2, "bf16": 165.2, "fp8": 330.3}, 24, 1008,
            ("NVIDIA GeForce RTX 4090",), "NVIDIA Ada GPU Architecture whitepaper, 2022",
        ),
    )
}  # fmt: skip


def find_gpu(name: str) -> Gpu:
    """The GPU of that name, ours ("L4") or the one that torch.cuda.get_device_name gives ("NVIDIA L4").

    Raises ValueError for one that is not in the table.
    """
    for gpu in GPUS.values():
        if name in (gpu.name, *gpu.reported_as):
            return gpu
    raise ValueError(f"the table has {', '.join(GPUS)}, not {name!r}")


class Meter:
    """Measures the `with` block that it is opened on.

    seconds: of wall clock, so far or in all; peak_bytes: the most that torch held on the current GPU at any time of the
    block, what was there before included; joules: what that GPU drew, all that ran on it included, by its own counter.
    The last two are None until the block ends, and stay None where they were not measured: peak_bytes unless the block
    allocated memory on a GPU; joules also unless the GPU was in use when the block began and `pynvml` (of the package
    nvidia-ml-py) finds its counter, which takes a Volta or later. The counter ticks every 20 to 100 ms: measure seconds
    of work, not milliseconds.
    The host waits for the GPU when the block begins and when it ends, and at no time between.
    """

    _open: ClassVar[list["Meter"]] = []

    def __init__(self) -> None:
        self.peak_bytes: int | None = None
        self.joules: float | None = None
        self._began = perf_counter()
        self._ended: float | None = None
        self._millijoules: int | None = None
        self._allocations = self._peak_before = 0

    @property
    def seconds(self) -> float:
        return (perf_counter() if self._ended is None else self._ended) - self._began

    def __enter__(self) -> Self:
        if cuda := _cuda_in_use():
            cuda.synchronize()
            for meter in Meter._open:  # the peak is counted anew for this block: keep what the outer ones have seen
                meter._peak_before = max(meter._peak_before, cuda.max_memory_allocated())
            cuda.reset_peak_memory_stats()
            self._allocations, self._millijoules = _allocations(), _millijoules()
        Meter._open.append(self)
        self._began = perf_counter()
        return self

    def __exit__(self, *error: object) -> None:
        cuda = _cuda_in_use()
        if cuda:
            cuda.synchronize()
        self._ended = perf_counter()
        Meter._open.remove(self)
        if cuda and _allocations() > self._allocations:
            self.peak_bytes = max(self._peak_before, cuda.max_memory_allocated())
            now = _millijoules()
            if now is not None and self._millijoules is not None:
                self.joules = (now - self._millijoules) / 1000


def _cuda_in_use() -> Any:
    """`torch.cuda` if it has been initialized, else None. Whoever does not use torch does not wait for its import."""
    torch = sys.modules.get("torch")
    return torch.cuda if torch and torch.cuda.is_initialized() else None


def _allocations() -> int:
    """Blocks of memory that torch has taken on the current GPU since the start: they tell whether it was used."""
    return int(_cuda_in_use().memory_stats().get("allocation.all.allocated", 0))


def _millijoules() -> int | None:
    """What the current GPU has drawn since its driver was loaded; None where NVML does not say."""
    try:
        import pynvml
    except ImportError:
        return None
    try:
        pynvml.nvmlInit()
        cuda = _cuda_in_use()
        uuid = cuda.get_device_properties(cuda.current_device()).uuid  # NVML numbers GPUs in its own way
        return pynvml.nvmlDeviceGetTotalEnergyConsumption(pynvml.nvmlDeviceGetHandleByUUID(f"GPU-{uuid}"))
    except pynvml.NVMLError:
        return None
