"""The processes that share a cell, and what they say to each other: rows of a batch, sums, a word of the first one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import torch
import torch.distributed as dist
from torch import Tensor
from torch.distributed import TCPStore  # type: ignore[attr-defined]

# The first process may evaluate for hours while the others wait. One that has died is noticed by other means.
PATIENCE = timedelta(days=7)


@dataclass(frozen=True)
class Ranks:
    """This process among those of its cell.

    Attributes:
        rank: its number, from 0.
        size: how many there are.
    """

    rank: int
    size: int

    def own(self, whole: Tensor) -> Tensor:
        """This process's rows ``(n / size, ...)`` of what is the same in all of them, ``(n, ...)``."""
        rows = len(whole) // self.size
        return whole[self.rank * rows : (self.rank + 1) * rows]

    def gathered(self, rows: Tensor) -> Tensor:
        """All processes' rows ``(size * k, ...)``, in their order, of ``(k, ...)`` in each; keeps the memory format."""
        last = is_channels_last(rows)
        dense = (rows.permute(0, 2, 3, 1) if last else rows).contiguous()
        whole = dense.new_empty((self.size * len(dense), *dense.shape[1:]))
        if dense.numel():
            # As bytes: not every backend knows every type.
            dist.all_gather(list(_bytes(whole).chunk(self.size)), _bytes(dense))
        return whole.permute(0, 3, 1, 2) if last else whole

    def summed(self, part: Tensor) -> Tensor:
        """The sum over all processes."""
        total = part.clone(memory_format=torch.contiguous_format)
        dist.all_reduce(total)
        return total

    def told(self, number: int) -> int:
        """What the first process says, whatever the others do."""
        said = torch.tensor(number)
        dist.broadcast(said, 0)
        return int(said)

    def begin_alike(self, module: torch.nn.Module) -> None:
        """Give a module the weights and buffers that it has in the first process."""
        with torch.no_grad():
            for tensor in (*module.parameters(), *module.buffers()):
                dense = tensor.detach().contiguous()
                dist.broadcast(dense, 0)
                tensor.copy_(dense)


def join(rank: int, size: int, port: int, device: torch.device) -> Ranks:
    """Meet the other processes of this machine at a port, and wait for all of them.

    Args:
        port: of the store that the first process has opened.
    """
    store = TCPStore("127.0.0.1", port, size, is_master=False, timeout=PATIENCE)
    backend = "cpu:gloo,cuda:nccl" if device.type == "cuda" else "gloo"
    dist.init_process_group(backend, store=store, rank=rank, world_size=size, timeout=PATIENCE)
    return Ranks(rank, size)


def leave() -> None:
    """Be one of them no longer; waits until all have come that far."""
    dist.all_reduce(torch.zeros(()))  # torch's barrier would have to guess which GPU is whose
    dist.destroy_process_group()


def is_channels_last(x: Tensor) -> bool:
    """Whether images lie channels-last in memory, and not in torch's own order as well."""
    return x.dim() == 4 and x.is_contiguous(memory_format=torch.channels_last) and not x.is_contiguous()


def _bytes(dense: Tensor) -> Tensor:
    return dense.view(-1).view(torch.uint8)
