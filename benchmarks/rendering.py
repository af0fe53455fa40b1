"""Images per second of the embedded renderer: ``python -m benchmarks.rendering [--size 64] [--device cpu]``."""

from __future__ import annotations

import argparse
import time

import torch
from mmbench.datasets.synthetic.render import render


def images_per_second(size: int, device: str, images: int) -> tuple[float, float]:
    """``(per second of wall-clock, per second of CPU time)``; the second one does not suffer from other programs."""
    render(range(16), size, device=device)
    wall, cpu = time.perf_counter(), time.process_time()
    done = render(range(images), size, device=device)
    done["depth"].sum().item()  # waits for the device
    return images / (time.perf_counter() - wall), images / (time.process_time() - cpu)


def main() -> None:
    """Print one line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, default=64)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--images", type=int, default=256)
    parser.add_argument("--threads", type=int, default=0, help="0: as many as torch chooses")
    options = parser.parse_args()
    if options.threads:
        torch.set_num_threads(options.threads)
    wall, cpu = images_per_second(options.size, options.device, options.images)
    threads = torch.get_num_threads()
    print(
        f"{options.size}x{options.size} {options.device}, {threads} threads: "
        f"{wall:.0f} images/s ({cpu:.0f} per CPU second)"
    )


if __name__ == "__main__":
    main()
