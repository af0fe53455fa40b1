"""Our metrics beside torchmetrics' on the same predictions: ``python -m benchmarks.metrics [--turns 15]``.

One batch of an evaluation at 48 and at 256 pixels, one thread, CPU time, in turn. Ours are statistics of each image,
from which numbers over all of them and their confidence intervals come, and the numbers over the batch. The peer's are
the numbers over the batch, and then the statistics of each image too, which torchmetrics takes image by image but for
PSNR and SSIM. It has no threshold accuracy of depth: that is what one would write beside it.
"""

from __future__ import annotations

import argparse
import statistics
from collections.abc import Callable
from dataclasses import dataclass

import pandas as pd
import torch
from torch import Tensor
from torchmetrics.functional.classification import multiclass_confusion_matrix
from torchmetrics.functional.image import peak_signal_noise_ratio, structural_similarity_index_measure
from torchmetrics.functional.regression import mean_squared_error, pearson_corrcoef

from benchmarks.timing import in_turn
from mmbench.evaluation.metrics import depth, image
from mmbench.metric import Metric
from mmbench.modality import Depth, Modality, Rgb, Segmentation
from mmbench.plugins.metrics import load_metrics
from mmbench.table import Table
from mmbench.training.device import Compute

BATCH, SIZES, CLASSES = 50, (48, 256), 12
CPU = Compute(torch.device("cpu"), "fp32")

Numbers = dict[str, float]


@dataclass(frozen=True)
class Compared:
    """A metric, what it is given, and what does the same by torchmetrics over any number of images."""

    metric: Metric
    modality: Modality
    prediction: Tensor
    truth: Tensor
    peer: Callable[[Tensor, Tensor], Numbers]

    def ours(self) -> Numbers:
        """Statistics of each image, and the numbers of all of them."""
        return self.metric.numbers(self.metric.update(self.prediction, self.truth, self.modality), self.modality)

    def theirs(self) -> Numbers:
        """The numbers of all images."""
        return self.peer(self.prediction, self.truth)

    def theirs_of_each(self) -> list[Numbers]:
        """The numbers of all images, and of each."""
        pairs = zip(self.prediction.split(1), self.truth.split(1), strict=True)
        return [self.theirs(), *(self.peer(*one) for one in pairs)]


def segmentation_peer(prediction: Tensor, truth: Tensor) -> Numbers:
    """mIoU and global accuracy in %; class 0 is void."""
    whole = multiclass_confusion_matrix(prediction, truth, CLASSES + 1, ignore_index=0)
    confusion = whole[1:, 1:].double()
    hits, occurs = confusion.diagonal(), confusion.sum(1) > 0
    iou = hits / (confusion.sum(0) + confusion.sum(1) - hits)
    return {
        "miou": 100 * iou[occurs].mean().item(),
        "global_accuracy": 100 * (hits.sum() / confusion.sum()).item(),
    }


def depth_peer(prediction: Tensor, truth: Tensor) -> Numbers:
    """Threshold accuracies and root mean squared errors; 0 is invalid."""
    valid = truth > 0
    mine, real = prediction[valid].double().clamp(min=0.1), truth[valid].double().clamp(min=0.1)
    ratio = torch.maximum(mine / real, real / mine)
    return {
        **{key: (ratio < limit).double().mean().item() for key, limit in depth.THRESHOLDS.items()},
        "rmse_linear": mean_squared_error(mine, real, squared=False).item(),
        "rmse_log": mean_squared_error(mine.log(), real.log(), squared=False).item(),
    }


def image_peer(prediction: Tensor, truth: Tensor) -> Numbers:
    """PSNR, SSIM, and correlations of the opponent channels."""
    every = (1, 2, 3)
    psnr = peak_signal_noise_ratio(prediction, truth, data_range=image.DATA_RANGE, reduction="none", dim=every)
    ssim = structural_similarity_index_measure(prediction, truth, data_range=image.DATA_RANGE, reduction="none")
    assert isinstance(ssim, Tensor)
    channels = []
    for images in (prediction, truth):
        red, green, blue = images.double().unbind(1)
        channels.append([red - green, green - blue, (red + green + blue) / 3])
    found = [pearson_corrcoef(p.flatten(), t.flatten()).item() for p, t in zip(*channels, strict=True)]
    return {
        "psnr": psnr.double().mean().item(),
        "ssim": ssim.double().mean().item(),
        **dict(zip(image.OPPONENT, found, strict=True)),
    }


def compared(size: int) -> dict[str, Compared]:
    """Each metric with a batch of random pictures whose neighbours are alike, as a network's are."""
    random = torch.Generator().manual_seed(0)

    def field(channels: int) -> Tensor:
        coarse = torch.rand(BATCH, channels, size // 8, size // 8, generator=random)
        return torch.nn.functional.interpolate(coarse, size=size, mode="bilinear")

    names = tuple(f"class {number}" for number in range(1, CLASSES + 1))
    palette = tuple((number * 20, 0, 0) for number in range(CLASSES + 1))
    labels = [(field(1)[:, 0] * 1.6 * (CLASSES + 1)).long().clamp(max=CLASSES) for _ in range(2)]
    metres = [10 * field(1) for _ in range(2)]
    metres[1][:, :, : size // 8] = 0.0
    pictures = [2 * field(3) - 1 for _ in range(2)]
    known = load_metrics()
    classes = Segmentation("segmentation", names, palette)
    return {
        "segmentation": Compared(known["segmentation"], classes, labels[0].clamp(min=1), labels[1], segmentation_peer),
        "depth": Compared(known["depth"], Depth("depth"), metres[0], metres[1], depth_peer),
        "image": Compared(known["image"], Rgb("rgb"), pictures[0], pictures[1], image_peer),
    }


def measure(turns: int, sizes: tuple[int, ...] = SIZES) -> Table:
    """Milliseconds a batch, and the largest difference of a number to the peer's, relative to it."""
    rows = []
    for size in sizes:
        for name, one in compared(size).items():
            mine, theirs = one.ours(), one.theirs()
            apart = max(abs(mine[key] - value) / max(abs(value), 1e-12) for key, value in theirs.items())
            works = {"ours": one.ours, "batch": one.theirs, "each": one.theirs_of_each}
            taken = {key: 1e3 * statistics.median(values) for key, values in in_turn(works, turns, CPU).items()}
            rows.append(
                {
                    "metric": name, "size": size, "ours": taken["ours"],
                    "torchmetrics, batch alone": taken["batch"], "ratio": taken["batch"] / taken["ours"],
                    "torchmetrics, each image too": taken["each"], "its ratio": taken["each"] / taken["ours"],
                    "difference": apart,
                }
            )  # fmt: skip
    formats = {"ratio": ".2f", "its ratio": ".2f", "difference": ".0e"}
    note = f"Milliseconds of CPU time a batch of {BATCH} images, one thread, medians of {turns} turns."
    return Table("metrics", "Metrics beside torchmetrics", pd.DataFrame(rows), note, formats=formats)


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(prog="metrics", description="Our metrics beside torchmetrics'.")
    parser.add_argument("--turns", type=int, default=15)
    torch.set_num_threads(1)
    with torch.inference_mode():
        print(measure(parser.parse_args().turns).text())


if __name__ == "__main__":
    main()
