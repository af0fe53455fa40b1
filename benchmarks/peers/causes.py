"""Where the time of a step goes, as torch's profiler sees it."""

from __future__ import annotations

from torch.profiler import ProfilerActivity, profile

from benchmarks.timing import Work
from mmbench.training.device import Compute

STEPS = 3


def causes(step: Work, compute: Compute, count: int) -> str:
    """The operators that take most of the time by themselves, each with its share of the whole in percent."""
    on_gpu = compute.device.type == "cuda"
    step()
    with profile(activities=[ProfilerActivity.CPU, *([ProfilerActivity.CUDA] if on_gpu else [])]) as seen:
        for _ in range(STEPS):
            step()
    events = seen.key_averages()
    own = {event.key: event.self_device_time_total if on_gpu else event.self_cpu_time_total for event in events}
    total = sum(own.values())
    largest = sorted(own, key=lambda name: own[name], reverse=True)[:count]
    return ", ".join(f"{name.removeprefix('aten::')} {100 * own[name] / total:.0f} %" for name in largest)
