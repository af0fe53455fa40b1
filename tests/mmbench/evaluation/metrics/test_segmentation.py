import math
from collections.abc import Sequence

import numpy as np
import pytest
import torch
from sklearn.metrics import accuracy_score, jaccard_score
from torch import Tensor
from torchmetrics.functional.classification import multiclass_confusion_matrix

from mmbench.modality import Segmentation
from mmbench.plugins.metrics import load_metrics

METRIC = load_metrics()["segmentation"]

CLASSES = ("wall", "floor", "bed", "tv")


def _labels(classes: Sequence[str]) -> Segmentation:
    return Segmentation("labels", classes=tuple(classes), palette=((0, 0, 0),) * (len(classes) + 1))


def _confusion(prediction: Tensor, truth: Tensor, classes: int) -> np.ndarray:
    """``(B, K, K)``, rows the true classes."""
    counts = METRIC.update(prediction, truth, _labels("abcdefgh"[:classes]))
    return counts.reshape(-1, classes, classes)


def _numbers(confusion: np.ndarray, classes: Sequence[str]) -> dict[str, float]:
    return METRIC.numbers(confusion.reshape(len(confusion), len(classes) ** 2), _labels(classes))


def _random(images: int = 5, absent: tuple[int, ...] = ()) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(3)
    truth = torch.randint(0, 5, (images, 6, 7), generator=generator)
    for cls in absent:
        truth[truth == cls] = 0
    prediction = torch.randint(1, 5, truth.shape, generator=generator)
    # Half of the pixels are right, so that IoUs are neither 0 nor all alike.
    right = (torch.rand(truth.shape, generator=generator) < 0.5) & (truth > 0)
    return torch.where(right, truth, prediction), truth


def test_confusion_by_hand() -> None:
    truth = torch.tensor([[[1, 1, 0], [2, 2, 2]], [[0, 0, 0], [0, 0, 3]]])
    prediction = torch.tensor([[[1, 2, 3], [2, 2, 1]], [[1, 2, 3], [1, 1, 3]]])
    confusion = _confusion(prediction, truth, 3)
    assert confusion.dtype == np.int64
    assert confusion.tolist() == [[[1, 1, 0], [1, 2, 0], [0, 0, 0]], [[0, 0, 0], [0, 0, 0], [0, 0, 1]]]


def test_numbers_by_hand_with_a_class_absent_in_truth() -> None:
    # Class c occurs only in the prediction: its IoU is undefined and outside the mean, but b's union contains the miss.
    confusion = np.array([[[3, 1, 0], [0, 2, 2], [0, 0, 0]]])
    numbers = _numbers(confusion, ("a", "b", "c"))
    assert numbers["iou/a"] == pytest.approx(100 * 3 / 4)
    assert numbers["iou/b"] == pytest.approx(100 * 2 / 5)
    assert math.isnan(numbers["iou/c"])
    assert numbers["miou"] == pytest.approx((75 + 40) / 2)
    assert numbers["global_accuracy"] == pytest.approx(100 * 5 / 8)


def test_iou_is_of_the_whole_set_and_not_a_mean_over_images() -> None:
    confusion = np.array([[[1, 0], [0, 99]], [[0, 100], [0, 0]]])
    assert _numbers(confusion, ("a", "b"))["iou/a"] == pytest.approx(100 * 1 / 101)


@pytest.mark.parametrize("absent", [(), (3,)])
def test_against_scikit_learn(absent: tuple[int, ...]) -> None:
    prediction, truth = _random(absent=absent)
    numbers = _numbers(_confusion(prediction, truth, 4), CLASSES)
    keep = truth > 0
    real, mine = truth[keep].numpy(), prediction[keep].numpy()
    occurring = [c for c in (1, 2, 3, 4) if c not in absent]
    expected = jaccard_score(real, mine, labels=occurring, average=None) * 100
    assert [numbers[f"iou/{CLASSES[c - 1]}"] for c in occurring] == pytest.approx(expected.tolist())
    assert numbers["miou"] == pytest.approx(expected.mean())
    assert numbers["global_accuracy"] == pytest.approx(accuracy_score(real, mine) * 100)


def test_confusion_against_torchmetrics() -> None:
    prediction, truth = _random()
    confusion = _confusion(prediction, truth, 4)
    for mine, p, t in zip(confusion, prediction, truth, strict=True):
        expected = multiclass_confusion_matrix(p, t, num_classes=5, ignore_index=0)[1:, 1:]
        assert mine.tolist() == expected.tolist()


def test_void_pixels_do_not_count() -> None:
    prediction, truth = _random()
    other = torch.where(truth == 0, prediction % 4 + 1, prediction)
    assert not torch.equal(other, prediction)
    assert np.array_equal(_confusion(prediction, truth, 4), _confusion(other, truth, 4))


def test_independent_of_the_batch_size() -> None:
    prediction, truth = _random()
    whole = _confusion(prediction, truth, 4)
    parts = [_confusion(p, t, 4) for p, t in zip(prediction.split(2), truth.split(2), strict=True)]
    assert np.array_equal(whole, np.concatenate(parts))


@pytest.mark.parametrize("images", [0, 2])
def test_nothing_evaluated_is_nan(images: int) -> None:
    void = torch.zeros(images, 3, 3, dtype=torch.int64)
    confusion = _confusion(void + 1, void, 2)
    assert confusion.shape == (images, 2, 2)
    numbers = _numbers(confusion, ("a", "b"))
    assert set(numbers) == {"miou", "global_accuracy", "iou/a", "iou/b"}
    assert all(math.isnan(value) for value in numbers.values())


def test_ids_that_cannot_be_are_refused() -> None:
    truth = torch.ones(1, 2, 2, dtype=torch.int64)
    with pytest.raises(ValueError, match="prediction has class ids 0"):
        _confusion(truth * 0, truth, 3)
    with pytest.raises(ValueError, match="truth has class ids 255"):
        _confusion(truth, truth * 255, 3)
    with pytest.raises(ValueError, match=r"expected two \(B, H, W\)"):
        _confusion(truth, truth[:, :1], 3)
