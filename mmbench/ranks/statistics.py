"""Batch normalization by the statistics of the whole batch, of which each process has some rows.

torch's SyncBatchNorm does this on GPUs only.
"""

from __future__ import annotations

import torch
from torch import Tensor

from mmbench.ranks.group import Ranks
from mmbench.ranks.rows import gathered, shared


def batch_norm(
    ranks: Ranks,
    x: Tensor,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    """``F.batch_norm`` in training mode over all processes' rows; the gradient runs through the statistics.

    Statistics are computed in fp32 (fp64 of fp64), two-pass.

    Args:
        x: ``(B, C, ...)``, of as many rows in each process.
        running_mean, running_var: ``(C,)``, updated with the whole batch's; None where there are none.

    Raises:
        ValueError: the whole batch has one value per channel.
    """
    count = ranks.size * x.numel() // x.shape[1]
    if count == 1:
        raise ValueError(f"Expected more than 1 value per channel when training, got input size {tuple(x.shape)}")
    precise = x if x.dtype == torch.float64 else x.float()
    var, mean = torch.var_mean(precise, [0, *range(2, x.dim())], correction=0)
    # As many values in each process, so that the whole batch's mean is the mean of the means.
    means, variances = shared(gathered(torch.stack([mean, var]).unsqueeze(0), ranks), ranks).unbind(1)
    mean, var = means.mean(0), variances.mean(0) + means.var(0, correction=0)
    if running_mean is not None and running_var is not None:
        with torch.no_grad():
            running_mean.lerp_(mean.to(running_mean.dtype), momentum)
            running_var.lerp_((var * count / (count - 1)).to(running_var.dtype), momentum)
    shape = (1, -1, *[1] * (x.dim() - 2))
    scale = torch.rsqrt(var + eps)
    made = (precise - mean.view(shape)) * (scale if weight is None else scale * weight).view(shape)
    return (made if bias is None else made + bias.view(shape)).to(x.dtype)
