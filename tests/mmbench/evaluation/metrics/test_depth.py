import math

import numpy as np
import pytest
import torch
from sklearn.metrics import root_mean_squared_error
from torch import Tensor

from mmbench.modality import Depth
from mmbench.plugins.metrics import load_metrics

DEPTH, METRIC = Depth("depth"), load_metrics()["depth"]

NAMES = {"delta_1.25", "delta_1.25^2", "delta_1.25^3", "rmse_linear", "rmse_log"}


def _update(prediction: Tensor, truth: Tensor) -> np.ndarray:
    return METRIC.update(prediction, truth, DEPTH)


def _numbers(stats: np.ndarray) -> dict[str, float]:
    return METRIC.numbers(stats, DEPTH)


def _column(*values: float) -> Tensor:
    return torch.tensor(values).view(1, 1, 1, -1)


def _random(images: int = 5) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(5)
    truth = torch.rand(images, 1, 9, 11, generator=generator) * 8 + 0.3
    prediction = truth * torch.exp(torch.randn(truth.shape, generator=generator) * 0.4)
    truth[torch.rand(truth.shape, generator=generator) < 0.2] = 0
    return prediction, truth


def test_by_hand() -> None:
    # Ratios 1, 1.25 (not below it), 1.5, 1.9 and 4; the invalid pixel is far off and must not count.
    stats = _update(_column(2.0, 5.0, 2.0, 1.0, 1.0, 9.0), _column(2.0, 4.0, 3.0, 1.9, 4.0, 0.0))
    assert stats.dtype == np.float64
    assert stats[0, :4].tolist() == [5, 1, 3, 4]
    assert stats[0, 4] == pytest.approx(0 + 1 + 1 + 0.81 + 9, rel=1e-6)
    logs = [math.log(r) for r in (1, 1.25, 1.5, 1.9, 4)]
    assert stats[0, 5] == pytest.approx(sum(v * v for v in logs), rel=1e-6)
    numbers = _numbers(stats)
    assert (numbers["delta_1.25"], numbers["delta_1.25^2"], numbers["delta_1.25^3"]) == (0.2, 0.6, 0.8)
    assert numbers["rmse_linear"] == pytest.approx(math.sqrt(11.81 / 5), rel=1e-6)


def test_what_is_given_stays_as_it_is() -> None:
    truth, prediction = (torch.full((2, 1, 6, 6), depth, dtype=torch.float64) for depth in (0.05, 0.02))
    assert _update(prediction, truth)[0].tolist() == [36, 36, 36, 36, 0, 0]
    assert prediction.unique().tolist() == [0.02] and truth.unique().tolist() == [0.05]


def test_pooled_over_pixels_and_against_scikit_learn() -> None:
    prediction, truth = _random()
    truth[0, 0, 1:] = 0  # images with different numbers of valid pixels tell pooling from averaging
    numbers = _numbers(_update(prediction, truth))
    keep = truth > 0
    mine, real = prediction[keep].double().clamp(min=0.1).numpy(), truth[keep].double().numpy()
    ratio = np.maximum(mine / real, real / mine)
    for power, name in enumerate(("delta_1.25", "delta_1.25^2", "delta_1.25^3"), start=1):
        assert numbers[name] == pytest.approx(np.mean(ratio < 1.25**power))
    assert numbers["rmse_linear"] == pytest.approx(root_mean_squared_error(real, mine))
    assert numbers["rmse_log"] == pytest.approx(root_mean_squared_error(np.log(real), np.log(mine)))


def test_predictions_are_clamped_to_the_minimum() -> None:
    numbers = _numbers(_update(_column(-3.0, 0.0), _column(1.0, 1.0)))
    assert numbers["rmse_linear"] == pytest.approx(0.9)
    assert numbers["rmse_log"] == pytest.approx(math.log(10))


@pytest.mark.parametrize(("modality", "metres"), [(DEPTH, 0.05), (Depth("near", centre=0.04, scale=0.01), 0.02)])
def test_a_perfect_prediction_of_what_is_near_is_perfect(modality: Depth, metres: float) -> None:
    truth = _column(metres, 1.5 * metres, 3 * metres)
    back = modality.from_network(modality.to_network(truth))
    numbers = METRIC.numbers(METRIC.update(back, truth, modality), modality)
    assert numbers["delta_1.25"] == 1
    assert max(numbers["rmse_linear"], numbers["rmse_log"]) < 1e-6


def test_the_floor_does_not_reach_into_what_a_near_set_measures() -> None:
    near = Depth("near", centre=0.04, scale=0.01)
    wrong = METRIC.update(_column(0.02, -1.0), _column(0.04, 0.04), near)
    numbers = METRIC.numbers(wrong, near)
    assert numbers["delta_1.25^3"] == 0
    assert numbers["rmse_log"] == pytest.approx(math.sqrt((math.log(2) ** 2 + math.log(10) ** 2) / 2))
    assert Depth("room", centre=1.0).minimum == DEPTH.minimum == 0.1


def test_a_prediction_that_is_not_a_number_shows() -> None:
    numbers = _numbers(_update(_column(math.nan, 1.0), _column(1.0, 1.0)))
    assert math.isnan(numbers["rmse_linear"])
    assert numbers["delta_1.25"] == 0.5


def test_not_a_number_at_an_invalid_pixel_does_not() -> None:
    assert _numbers(_update(_column(math.nan, 1.0), _column(0.0, 1.0)))["rmse_linear"] == 0.0


@pytest.mark.parametrize("images", [0, 2])
def test_nothing_valid_is_nan(images: int) -> None:
    invalid = torch.zeros(images, 1, 3, 3)
    stats = _update(invalid + 1, invalid)
    assert stats.shape == (images, 6)
    numbers = _numbers(stats)
    assert set(numbers) == NAMES
    assert all(math.isnan(value) for value in numbers.values())


def test_independent_of_the_batch_size() -> None:
    prediction, truth = _random()
    whole = _update(prediction, truth)
    parts = [_update(p, t) for p, t in zip(prediction.split(2), truth.split(2), strict=True)]
    assert np.array_equal(whole, np.concatenate(parts))


def test_shapes_must_agree() -> None:
    with pytest.raises(ValueError, match="differ in shape"):
        _update(torch.ones(1, 1, 2, 2), torch.ones(1, 2, 2))
