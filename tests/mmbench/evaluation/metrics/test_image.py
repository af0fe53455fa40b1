import math

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter
from scipy.stats import pearsonr
from torch import Tensor
from torchmetrics.functional.image import peak_signal_noise_ratio, structural_similarity_index_measure

from mmbench.evaluation.metrics import image
from mmbench.evaluation.metrics.ssim import ssim_map
from mmbench.modality import Rgb, Scalar
from mmbench.plugins.metrics import load_metrics

METRIC = load_metrics()["image"]
RGB, NIR = Rgb("rgb"), Scalar("nir")


def _update(prediction: Tensor, truth: Tensor) -> np.ndarray:
    return METRIC.update(prediction, truth, NIR if truth.shape[1] == 1 else RGB)


def _numbers(stats: np.ndarray) -> dict[str, float]:
    return METRIC.numbers(stats, NIR if stats.shape[1] == 8 else RGB)


def _random(channels: int, images: int = 4, size: int = 16) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(7)
    truth = torch.rand(images, channels, size, size, generator=generator) * 2 - 1
    noise = torch.rand(truth.shape, generator=generator) * 2 - 1
    return 0.7 * truth + 0.3 * noise, truth


def _ssim(prediction: np.ndarray, truth: np.ndarray) -> float:
    """Wang et al. 2004 for one channel with scipy: Gaussian window of 11 x 11 pixels, std 1.5, data range 2."""
    c1, c2 = (0.01 * 2) ** 2, (0.03 * 2) ** 2

    def blur(array: np.ndarray) -> np.ndarray:
        return gaussian_filter(array, 1.5, radius=5, mode="mirror")

    mean_p, mean_t = blur(prediction), blur(truth)
    var_p, var_t = blur(prediction**2) - mean_p**2, blur(truth**2) - mean_t**2
    covariance = blur(prediction * truth) - mean_p * mean_t
    luminance = (2 * mean_p * mean_t + c1) / (mean_p**2 + mean_t**2 + c1)
    return float((luminance * (2 * covariance + c2) / (var_p + var_t + c2)).mean())


@pytest.mark.parametrize("channels", [1, 3])
def test_psnr_and_ssim_are_means_over_images(channels: int) -> None:
    prediction, truth = _random(channels)
    prediction[0] = truth[0] * 0.99  # one much better image: a pooled PSNR would be another number
    numbers = _numbers(_update(prediction, truth))
    mine, real = prediction.double().numpy(), truth.double().numpy()
    psnr = [10 * math.log10(4 / np.mean((p - t) ** 2)) for p, t in zip(mine, real, strict=True)]
    assert numbers["psnr"] == pytest.approx(np.mean(psnr))
    ssim = [_ssim(p, t) for ps, ts in zip(mine, real, strict=True) for p, t in zip(ps, ts, strict=True)]
    assert numbers["ssim"] == pytest.approx(np.mean(ssim), abs=1e-6)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("size", [48, 256])
def test_against_torchmetrics_on_the_batch(size: int, channels: int) -> None:
    prediction, truth = _random(channels, images=3, size=size)
    stats = _update(prediction, truth)
    pair = prediction.double(), truth.double()
    psnr = peak_signal_noise_ratio(*pair, data_range=2.0, reduction="none", dim=(1, 2, 3))
    ssim = structural_similarity_index_measure(*pair, data_range=2.0, reduction="none")
    assert stats[:, 0] == pytest.approx(psnr.numpy(), rel=1e-7)  # their logarithm of the range is in float32
    assert isinstance(ssim, Tensor)
    assert stats[:, 1] == pytest.approx(ssim.numpy(), abs=3e-7)
    assert ssim_map(*pair, 2.0).mean((1, 2, 3)).numpy() == pytest.approx(ssim.numpy(), abs=1e-14)


def test_rgb_correlations_are_pooled_over_images() -> None:
    prediction, truth = _random(3)
    truth[0] += 2  # an offset between images, which a mean of per-image correlations would not see
    numbers = _numbers(_update(prediction, truth))
    (r, g, b), (x, y, z) = prediction.double().transpose(0, 1).numpy(), truth.double().transpose(0, 1).numpy()
    assert numbers["correlation_r-g"] == pytest.approx(pearsonr((r - g).ravel(), (x - y).ravel())[0])
    assert numbers["correlation_g-b"] == pytest.approx(pearsonr((g - b).ravel(), (y - z).ravel())[0])
    intensity = pearsonr((r + g + b).ravel(), (x + y + z).ravel())[0]
    assert numbers["correlation_intensity"] == pytest.approx(intensity)


def test_scalar_modalities_have_one_correlation() -> None:
    prediction, truth = _random(1)
    numbers = _numbers(_update(prediction, truth))
    assert set(numbers) == {"psnr", "ssim", "correlation"}
    assert numbers["correlation"] == pytest.approx(pearsonr(prediction.ravel().double(), truth.ravel().double())[0])
    assert _numbers(_update(-truth, truth))["correlation"] == pytest.approx(-1)


def test_a_constant_channel_has_no_correlation() -> None:
    _, truth = _random(3)
    flat = truth - truth.mean(dim=1, keepdim=True) + 0.1  # true opponent channels, flat intensity
    numbers = _numbers(_update(flat, truth))
    assert math.isnan(numbers["correlation_intensity"])
    assert numbers["correlation_r-g"] == pytest.approx(1)


def test_a_perfect_image() -> None:
    _, truth = _random(3)
    numbers = _numbers(_update(truth, truth))
    assert numbers["psnr"] == math.inf
    assert numbers["ssim"] == pytest.approx(1)


@pytest.mark.parametrize("channels", [1, 3])
def test_no_images_is_nan(channels: int) -> None:
    empty = torch.zeros(0, channels, 8, 8)
    numbers = _numbers(_update(empty, empty))
    assert set(numbers) == {"psnr", "ssim", *(image.OPPONENT if channels == 3 else image.SCALAR)}
    assert all(math.isnan(value) for value in numbers.values())


@pytest.mark.parametrize("channels", [1, 3])
def test_independent_of_the_batch_size(channels: int) -> None:
    prediction, truth = _random(channels)
    whole = _update(prediction, truth)
    parts = [_update(p, t) for p, t in zip(prediction.split(3), truth.split(3), strict=True)]
    assert np.array_equal(whole, np.concatenate(parts))


def test_not_degraded_by_a_surrounding_autocast() -> None:
    prediction, truth = _random(3)
    with torch.autocast("cpu", torch.bfloat16):
        inside = _update(prediction, truth)
    assert np.array_equal(inside, _update(prediction, truth))


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_the_same_on_a_gpu() -> None:
    prediction, truth = _random(3, size=64)
    assert _update(prediction.cuda(), truth.cuda()) == pytest.approx(_update(prediction, truth), rel=1e-6)


def test_wrong_shapes_are_refused() -> None:
    with pytest.raises(ValueError, match="differ in shape"):
        _update(torch.ones(1, 3, 8, 8), torch.ones(1, 1, 8, 8))
    with pytest.raises(ValueError, match=r"expected \(B, 3, H, W\)"):
        _update(torch.ones(1, 2, 8, 8), torch.ones(1, 2, 8, 8))
    with pytest.raises(ValueError, match="5 columns"):
        image.compute(np.zeros(5), 2, RGB)
