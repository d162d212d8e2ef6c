"""Where an adapter may read: the directions of a layer's input in which the rows stand
out from general text.

LoRA adds B·(A·x) to what a layer makes of its input x. Here A is computed before the
training and then stays; only B learns. A's lines are the directions v with the largest
ratio of the variance of v·x over the rows to the mean of (v·x)² over text of the base,
so that A·x is small on general text, and with it whatever the adapter adds there.

After LoRA-Null (Tang et al. 2025, arXiv 2503.02659), which takes the directions that
general text does not have and keeps A as it is, and SC-LoRA (Luo et al. 2025, arXiv
2505.23724), which weighs rows against what is to be kept, on a layer's output.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from afs_stages.core.errors import UserError
from afs_stages.core.progress import progress
from afs_stages.training.device_memory import MB, available_mb
from afs_stages.training.encode import Encoded
from afs_stages.training.token_losses import token_logits

if TYPE_CHECKING:
    from peft import PeftModel

READ = 64
"""Texts and rows that are read at most, of each: a layer's directions change little
with more.
"""
FLOOR = 0.01
"""Of the mean over all directions, what the mean on general text counts at least: a
direction that no text has by chance is not taken to be free of it.
"""
ADAPTER = "default"
"""peft's name for an adapter that is trained."""


def aim(
    model: PeftModel, rows: Sequence[Encoded], texts: Sequence[Encoded], seed: int
) -> None:
    """Set A of every adapted layer to the directions in which rows stand out from
    texts, as loud on the rows as the A it replaces.

    Raises `UserError` where the layers' moments do not fit into memory, or a layer's
    input has fewer directions than the adapter reads.
    """
    layers = _adapted(model)
    _check_rank(layers)
    _check_memory(model, layers)
    rows = random.Random(seed).sample(list(rows), min(READ, len(rows)))
    own = Moments(model, layers, rows, "what the rows look like inside")
    general = Moments(model, layers, texts[:READ], "what the base's text looks like")
    for name in progress(layers, "directions of the adapter", len(layers), "layers"):
        weight = layers[name].lora_A[ADAPTER].weight
        found = directions(own.spread(name), general.power(name), len(weight))
        before = _loudness(weight.detach().float(), own.power(name))
        found = found * (before / _loudness(found, own.power(name))).sqrt()
        with torch.no_grad():
            weight.copy_(found)


def freeze(model: PeftModel) -> None:
    """Let no A learn."""
    for layer in _adapted(model).values():
        layer.lora_A[ADAPTER].weight.requires_grad_(False)


def directions(own: Tensor, general: Tensor, count: int) -> Tensor:
    """The `count` lines v with the largest v·own·v / v·general·v, shape (count, width):
    the generalised eigenvectors of two matrices of shape (width, width).
    """
    width = len(general)
    floor = FLOOR * general.trace() / width
    root = torch.linalg.cholesky(general + floor * torch.eye(width).to(general))
    half = torch.linalg.solve_triangular(root, own, upper=False)
    ratios = torch.linalg.solve_triangular(root, half.T, upper=False)
    _, vectors = torch.linalg.eigh((ratios + ratios.T) / 2)
    largest = vectors[:, -count:]
    found: Tensor = torch.linalg.solve_triangular(root.T, largest, upper=True).T
    return found


class Moments:
    """Mean and mean square of the inputs of a model's layers over texts, in float32.

    Layers that read the same input (queries, keys and values) share one sum.
    """

    def __init__(
        self,
        model: PeftModel,
        layers: dict[str, Any],
        texts: Sequence[Encoded],
        what: str,
    ) -> None:
        self._leader: dict[str, str] = {}
        self._sums: dict[str, Tensor] = {}
        self._squares: dict[str, Tensor] = {}
        self._last: tuple[Tensor, str] | None = None
        self._tokens = sum(len(text.ids) for text in texts)
        hooks = [
            layer.register_forward_pre_hook(self._reader(name))
            for name, layer in layers.items()
        ]
        training = model.training
        model.eval()
        try:
            with torch.no_grad(), model.disable_adapter():
                for text in progress(texts, what, len(texts), "texts"):
                    token_logits(model, [text], packed=False)
        finally:
            self._last = None
            for hook in hooks:
                hook.remove()
        model.train(training)

    def power(self, name: str) -> Tensor:
        """E[x·xᵀ] of a layer's input, shape (width, width)."""
        return self._squares[self._leader[name]] / self._tokens

    def spread(self, name: str) -> Tensor:
        """The covariance of a layer's input, shape (width, width)."""
        mean = self._sums[self._leader[name]] / self._tokens
        return self.power(name) - torch.outer(mean, mean)

    def _reader(self, name: str) -> Any:
        def read(_layer: Any, given: tuple[Tensor, ...]) -> None:
            if self._last is not None and given[0] is self._last[0]:
                self._leader[name] = self._last[1]
                return
            self._last = (given[0], name)
            self._leader[name] = name
            inputs = given[0].reshape(-1, given[0].shape[-1]).float()
            square = inputs.T @ inputs
            if name in self._squares:
                self._squares[name] += square
                self._sums[name] += inputs.sum(0)
            else:
                self._squares[name] = square
                self._sums[name] = inputs.sum(0)

        return read


def _adapted(model: PeftModel) -> dict[str, Any]:
    """Name -> layer with an adapter beside it, in the model's order."""
    return {
        name: module
        for name, module in model.named_modules()
        if ADAPTER in getattr(module, "lora_A", {})
    }


def _loudness(lines: Tensor, power: Tensor) -> Tensor:
    """The mean square of what the lines make of an input."""
    return ((lines @ power) * lines).sum(1).mean()


def _check_rank(layers: dict[str, Any]) -> None:
    for name, layer in layers.items():
        rank = layer.r[ADAPTER]
        if rank > layer.in_features:
            raise UserError(
                f"train.r is {rank}, and the input of {name} has {layer.in_features} "
                "directions",
                fix=f"set train.r to {layer.in_features} at most, or "
                "train.anchor.subspace: false",
            )


def _check_memory(model: PeftModel, layers: dict[str, Any]) -> None:
    """Two square matrices a layer, if no layer shared its input."""
    need = sum(8 * layer.in_features**2 for layer in layers.values()) / MB
    there = available_mb(model)
    if need > there:
        raise UserError(
            f"the directions of the adapter can't be computed: they need "
            f"{need:,.0f} MB, {there:,.0f} MB are there",
            fix="set train.anchor.subspace: false",
        )
