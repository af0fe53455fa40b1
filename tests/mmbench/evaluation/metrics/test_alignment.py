import numpy as np
import pytest
import torch
from scipy.spatial.distance import cosine

from mmbench.evaluation.metrics.alignment import alignment_factor, latent_std


def test_alignment_factor_by_hand() -> None:
    a = torch.tensor([[3.0, 4.0], [1.0, 0.0], [1.0, 2.0], [0.0, 0.0]])
    b = torch.tensor([[4.0, 3.0], [0.0, 7.0], [-2.0, -4.0], [1.0, 0.0]])
    factor = alignment_factor(a, b)
    assert factor.dtype == torch.float64
    assert factor.tolist() == pytest.approx([24 / 25, 0, -1, 0])


def test_alignment_factor_flattens_and_matches_scipy() -> None:
    generator = torch.Generator().manual_seed(1)
    a, b = torch.randn(2, 3, 4, 5, 5, generator=generator)
    expected = [1 - cosine(x.ravel(), y.ravel()) for x, y in zip(a.numpy(), b.numpy(), strict=True)]
    assert alignment_factor(a, b).tolist() == pytest.approx(expected, abs=1e-6)


def test_shrinking_latents_stay_aligned_but_lose_their_spread() -> None:
    generator = torch.Generator().manual_seed(2)
    latent = torch.randn(4, 8, 6, 6, generator=generator)
    small = latent * 0.01
    assert alignment_factor(latent, small).tolist() == pytest.approx([1] * 4)
    assert latent_std(small).item() == pytest.approx(latent_std(latent).item() * 0.01)
    assert latent_std(latent).item() == pytest.approx(np.std(latent.numpy(), axis=(1, 2, 3)).mean(), rel=1e-5)


def test_latent_std_is_within_samples() -> None:
    assert latent_std(torch.tensor([[1.0, 1.0], [5.0, 9.0]])).item() == 1.0


def test_shapes_must_agree() -> None:
    with pytest.raises(ValueError, match="differ in shape"):
        alignment_factor(torch.ones(1, 2), torch.ones(1, 3))
