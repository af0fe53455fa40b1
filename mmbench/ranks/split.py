"""A method's networks split over processes: each computes its rows of every batch that a network is called with.

Outside of networks all processes do the same with whole batches: batches are loaded, noise and permutations drawn,
images exchanged with pools, losses computed and weighted as in one process, and so of every method to the bit. A call
of a network takes a process's rows of its arguments and gives the whole batch's outputs back. No method knows of it.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.optim.optimizer import register_optimizer_step_pre_hook
from torch.overrides import TorchFunctionMode

from mmbench.errors import UserError
from mmbench.method import Method
from mmbench.ranks.draws import drawn
from mmbench.ranks.group import Ranks
from mmbench.ranks.rows import gathered, shared, taken
from mmbench.ranks.statistics import batch_norm


class Split(TorchFunctionMode):
    """A context within which a method's networks are split, and optimizers step along the sum of all gradients.

    A network is what the method calls of its :meth:`~mmbench.method.Method.networks` or of their parts. Where hooks on
    parts of it listen, it is split part by part instead, so that they see whole batches.

    Raises, where a network cannot be split, UserError: it is called with tensors of different numbers of rows or of
    one that the processes do not divide, gives something else than a row per row, or its parameters are used outside of
    a call.
    """

    def __init__(self, method: Method, ranks: Ranks) -> None:
        super().__init__()
        self.ranks = ranks
        self._names: dict[nn.Module, str] = {}
        for role, network in method.networks().items():
            for name, module in network.named_modules():
                self._names.setdefault(module, f"{role}.{name}" if name else role)
        self._owned = {id(p): role for role, network in method.networks().items() for p in network.parameters()}
        self._rows = 0  # that this process has, of the batch that a network is computing
        self._depth = self._norms = 0  # calls within that one; batch normalizations among them
        self._alone = False
        self._handles: list[Any] = []

    def __enter__(self) -> Split:
        for module in self._names:
            self._handles += [
                module.register_forward_pre_hook(self._before, with_kwargs=True),
                module.register_forward_hook(self._after, prepend=True, always_call=True),
            ]
        self._handles.append(register_optimizer_step_pre_hook(self._sum_gradients))
        super().__enter__()
        return self

    def __exit__(self, *error: Any) -> None:
        super().__exit__(*error)
        while self._handles:
            self._handles.pop().remove()

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Within, this process computes whole batches itself, and the others are not needed."""
        self._alone = True
        try:
            yield
        finally:
            self._alone = False

    def __deepcopy__(self, memo: dict[int, Any]) -> Split:
        return self  # a copy of a network is split by what splits the network

    def __torch_function__(
        self, func: Any, types: Any, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        if self._alone:
            return func(*args, **kwargs)
        if self._rows:
            if func is F.batch_norm and self._norms:
                return self._normalized(*args, **kwargs)
            made = drawn(self.ranks, self._rows, func, args, kwargs)
            return func(*args, **kwargs) if made is None else made
        made = func(*args, **kwargs)
        if isinstance(made, Tensor) and made.grad_fn is not None:
            self._check_unused(args, func)
        return made

    def _before(self, module: nn.Module, args: Any, kwargs: Any) -> Any:
        if self._alone:
            return None
        if self._rows:
            self._depth += 1
            self._norms += isinstance(module, _BatchNorm)
            return None
        if any(len(part._forward_hooks) > 1 for part in module.modules() if part is not module):
            return None
        rows = self._count(module, (args, kwargs))
        made = _mapped((args, kwargs), lambda x: self._given(x, rows))
        self._rows = rows // self.ranks.size
        if isinstance(module, _BatchNorm):
            self._norms = 1
        return made

    def _after(self, module: nn.Module, args: Any, output: Any) -> Any:
        if self._alone or not self._rows:
            return None
        if self._depth:
            self._depth -= 1
            self._norms -= isinstance(module, _BatchNorm)
            return None
        rows, self._rows, self._norms = self._rows, 0, 0
        return None if output is None else _mapped(output, lambda x: self._whole(module, x, rows))

    def _count(self, module: nn.Module, given: Any) -> int:
        """Rows of the whole batch that a network is called with."""
        found: list[int] = []
        _mapped(given, lambda x: found.append(len(x)) if x.dim() else None)
        rows = max(found, default=0)
        if set(found) - {1, rows} or not rows or rows % self.ranks.size:
            counts = ", ".join(map(str, sorted(set(found)))) or "no"
            raise self._refused(module, f"is called with {counts} rows, expected of one number that it divides")
        return rows

    def _given(self, x: Tensor, rows: int) -> Tensor:
        if x.dim() and len(x) == rows:
            return taken(x, self.ranks) if x.requires_grad else self.ranks.own(x).clone()
        return shared(x, self.ranks) if x.requires_grad else x

    def _whole(self, module: nn.Module, x: Tensor, rows: int) -> Tensor:
        if not x.dim() or len(x) != rows:
            raise self._refused(module, f"gives {tuple(x.shape)}, expected a row for each of {rows} rows")
        return gathered(x, self.ranks)

    def _refused(self, module: nn.Module, why: str) -> UserError:
        return UserError(f"--gpus-per-cell {self.ranks.size}: {self._names[module]} {why}: leave the option out")

    def _check_unused(self, args: Sequence[Any], func: Any) -> None:
        """Gradients of parameters are summed over the processes, and what all of them computed would count for each."""
        for one in args:
            for x in one if isinstance(one, list | tuple) else (one,):
                if isinstance(x, nn.Parameter) and x.requires_grad and (role := self._owned.get(id(x))):
                    raise UserError(
                        f"--gpus-per-cell {self.ranks.size}: a parameter of {role} is used outside of a call of the "
                        f"network ({getattr(func, '__name__', func)}): leave the option out"
                    )

    def _normalized(
        self, x: Tensor, mean: Tensor | None, var: Tensor | None, weight: Tensor | None = None,
        bias: Tensor | None = None, training: bool = False, momentum: float = 0.1, eps: float = 1e-5,
    ) -> Tensor:  # fmt: skip
        if not training:
            return F.batch_norm(x, mean, var, weight, bias, False, momentum, eps)
        return batch_norm(self.ranks, x, mean, var, weight, bias, momentum, eps)

    @torch.no_grad()
    def _sum_gradients(self, optimizer: torch.optim.Optimizer, args: Any, kwargs: Any) -> None:
        if self._alone:
            return
        parameters = [p for group in optimizer.param_groups for p in group["params"] if id(p) in self._owned]
        found = [p.grad for p in parameters if p.grad is not None]
        for kind in Counter(gradient.dtype for gradient in found):
            alike = [gradient for gradient in found if gradient.dtype == kind]
            total = self.ranks.summed(torch.cat([gradient.reshape(-1) for gradient in alike]))
            for gradient, part in zip(alike, total.split([g.numel() for g in alike]), strict=True):
                gradient.copy_(part.view(gradient.shape))


def _mapped(value: Any, change: Callable[[Tensor], Any]) -> Any:
    """A value with all tensors in it changed: in lists, tuples, dictionaries and dataclasses."""
    if isinstance(value, Tensor):
        return change(value)
    if isinstance(value, list):
        return [_mapped(one, change) for one in value]
    if isinstance(value, tuple):
        made = [_mapped(one, change) for one in value]
        return type(value)(*made) if hasattr(value, "_fields") else tuple(made)
    if isinstance(value, dict):
        return {key: _mapped(one, change) for key, one in value.items()}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        own = {field.name: _mapped(getattr(value, field.name), change) for field in dataclasses.fields(value)}
        return dataclasses.replace(value, **own)
    return value
