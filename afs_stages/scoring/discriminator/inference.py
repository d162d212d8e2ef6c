"""Judging by a trained ELECTRA: batches by length, each read in as few and as fast
steps as the machine has.

The encoder's forward pass is written out here: query, key and value are one product,
products on a CPU go to oneDNN (in fp32 torch's own choice, MKL, leaves AVX-512 unused
on some processors) together with the activation or the sum that follows, nothing but
the states is kept. The weights are copies, so that judging in bf16 leaves the model as
it was.

A row is padded to a width of its own, whatever stands beside it: rounding, which in
bf16 is coarse, then does not depend on its neighbours.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import groupby
from threading import Lock
from typing import Any, NamedTuple

from afs_stages.core.allocator import keep_freed
from afs_stages.core.jsonl import batched
from afs_stages.scoring.discriminator.network import pad

KEPT = 256 << 20
"""Bytes that freed activations may keep."""
WIDE = 256
"""The width whose batches hold as many units as they are told to."""
STEP = 8
"""Rows are padded to multiples of this."""

Weights = tuple[Any, Any]
"""(weight, bias)"""


class _Linear:
    """A product with its bias, and what may follow it."""

    def __init__(self, weight: Any, bias: Any) -> None:
        self.weight, self.bias = weight, bias

    def __call__(self, states: Any) -> Any:
        from torch.nn.functional import linear

        return linear(states, self.weight, self.bias)

    def activated(self, states: Any, activation: Callable[[Any], Any]) -> Any:
        return activation(self(states))

    def plus(self, states: Any, other: Any) -> Any:
        return self(states) + other


class _OneDNN(_Linear):
    """The same by oneDNN, which does what follows while the product is
    still in the cache.
    """

    def __init__(self, weight: Any, bias: Any) -> None:
        import torch

        super().__init__(
            torch.ops.mkldnn._reorder_linear_weight(weight.contiguous()), bias
        )
        self.run = torch.ops.mkldnn._linear_pointwise

    def __call__(self, states: Any) -> Any:
        return self.run(states, self.weight, self.bias, "none", [], "")

    def activated(self, states: Any, activation: Callable[[Any], Any]) -> Any:
        if type(activation).__name__ != "GELUActivation":
            return activation(self(states))
        return self.run(states, self.weight, self.bias, "gelu", [], "none")

    def plus(self, states: Any, other: Any) -> Any:
        return self.run.binary(states, other, self.weight, self.bias, "add")


class _Layer(NamedTuple):
    joint: _Linear
    mixed: _Linear
    middle: Callable[[Any], Any]
    inner: _Linear
    outer: _Linear
    norms: tuple[Weights, Weights]


class Encoder:
    """The layers of an ELECTRA as plain weights on one device in one number format."""

    def __init__(self, encoder: Any, device: str, dtype: Any) -> None:
        """Copy the weights of a transformers `ElectraModel`."""
        import torch

        def own(*modules: Any) -> Weights:
            weight = torch.cat([module.weight for module in modules])
            bias = torch.cat([module.bias for module in modules])
            return weight.detach().to(device, dtype), bias.detach().to(device, dtype)

        kind = _OneDNN if device == "cpu" and _onednn(dtype) else _Linear

        config = encoder.config
        self.heads, self.precision = config.num_attention_heads, config.layer_norm_eps
        parts = encoder.embeddings
        # every unit is of type 0
        place = parts.position_embeddings.weight + parts.token_type_embeddings.weight[0]
        self.units, self.places = (
            w.detach().to(device, dtype) for w in (parts.word_embeddings.weight, place)
        )
        self.first = own(parts.LayerNorm)
        self.project = None
        if hasattr(encoder, "embeddings_project"):
            self.project = kind(*own(encoder.embeddings_project))
        self.layers = []
        for layer in encoder.encoder.layer:
            attention, after = layer.attention.self, layer.attention.output
            joint = own(attention.query, attention.key, attention.value)
            mixed = own(after.dense)
            middle = layer.intermediate.intermediate_act_fn
            inner = own(layer.intermediate.dense)
            outer = own(layer.output.dense)
            norms = own(after.LayerNorm), own(layer.output.LayerNorm)
            self.layers.append(
                _Layer(
                    joint=kind(*joint),
                    mixed=kind(*mixed),
                    middle=middle,
                    inner=kind(*inner),
                    outer=kind(*outer),
                    norms=norms,
                )
            )
        self.attend: Callable[..., Any] = _attend
        if device == "cpu" and dtype == torch.bfloat16:
            self.attend = _attend_in_steps

    def __call__(self, ids: Any, mask: Any) -> Any:
        """Last states (rows, units, width) of padded ids and their mask (1
        where a unit stands).
        """
        seen = None
        if not bool(mask.all()):
            # added to how close two units are: nothing is close to padding
            far = ((mask - 1) * 1e4).to(self.units.dtype)
            seen = far[:, None, None, :]
        states = self._normed(self.units[ids] + self.places[: ids.shape[1]], self.first)
        if self.project:
            states = self.project(states)
        for layer in self.layers:
            # (rows, units, query key value, heads, -1): the third and the heads first
            joint = layer.joint(states).view(*ids.shape, 3, self.heads, -1)
            query, key, value = joint.permute(2, 0, 3, 1, 4)
            attended = self.attend(query, key, value, seen)
            mixed = attended.transpose(1, 2).reshape(states.shape)
            states = self._normed(layer.mixed.plus(mixed, states), layer.norms[0])
            inner = layer.inner.activated(states, layer.middle)
            states = self._normed(layer.outer.plus(inner, states), layer.norms[1])
        return states

    def _normed(self, states: Any, norm: Weights) -> Any:
        from torch.nn.functional import layer_norm

        return layer_norm(states, states.shape[-1:], *norm, self.precision)


def _onednn(dtype: Any) -> bool:
    """Whether oneDNN is there with all that is used of it, and this processor reads the
    number format for it.
    """
    import torch

    if not torch.backends.mkldnn.is_available():  # type: ignore[no-untyped-call]
        return False
    steps = torch.ops.mkldnn
    if not all(
        hasattr(steps, name) for name in ("_linear_pointwise", "_reorder_linear_weight")
    ):
        return False
    return dtype != torch.bfloat16 or bool(steps._is_mkldnn_bf16_supported())


def _attend(query: Any, key: Any, value: Any, seen: Any) -> Any:
    from torch.nn.functional import scaled_dot_product_attention

    return scaled_dot_product_attention(query, key, value, attn_mask=seen)


def _attend_in_steps(query: Any, key: Any, value: Any, seen: Any) -> Any:
    """Attention in steps: in bf16 on a CPU torch's fused attention takes longer."""
    closeness = (query * query.shape[-1] ** -0.5) @ key.transpose(-1, -2)
    if seen is not None:
        # only the last columns can be padding
        closeness[..., -STEP:] += seen[..., -STEP:]
    return closeness.softmax(-1) @ value


def judge(
    model: Any, rows: Sequence[Sequence[int]], budget: int, dtype: str = "fp32"
) -> list[float]:
    """Log-odds that each row is real; a row's score does not depend on which rows
    share its batch.

    `budget` is the units of a batch at a width of 256 numbers; a narrower model takes
    more in proportion. On a CPU each of torch's threads takes whole batches: dividing
    one batch's small products among them costs more than it gains. `dtype` is fp32 or
    bf16; the heads always are fp32.
    """
    import torch

    device = "cuda" if torch.cuda.is_available() else "cpu"
    if device == "cpu":
        keep_freed(KEPT)
    model = model.to(device)
    encoder = Encoder(
        model.encoder, device, torch.bfloat16 if dtype == "bf16" else torch.float32
    )

    def scored(group: list[int]) -> list[float]:
        with torch.inference_mode():
            ids, mask = pad([rows[i] for i in group], device, widths[group[0]])
            return model.heads(encoder(ids, mask).float(), mask)[1].tolist()  # type: ignore[no-any-return]

    most, wide = encoder.places.shape
    widths = [min(-(-len(row) // STEP) * STEP, most) for row in rows]
    budget *= max(1, WIDE // wide)
    # the longest first, so that the threads end together
    groups = list(_groups(widths, budget))[::-1]
    scores = [0.0] * len(rows)
    for group, values in zip(groups, _each(scored, groups, device), strict=True):
        for index, value in zip(group, values, strict=True):
            scores[index] = value
    return scores


def _groups(widths: Sequence[int], budget: int) -> Iterator[list[int]]:
    """Indices of rows of one width, at most `budget` units a group
    (at least one row).
    """
    by_width = sorted(range(len(widths)), key=lambda i: (widths[i], i))
    for width, alike in groupby(by_width, key=lambda i: widths[i]):
        for group in batched(alike, max(1, budget // width)):
            yield list(group)


_THREADS = Lock()
"""Held while torch's number of threads is another:
callers of several threads take turns.
"""


def _each(
    work: Callable[[list[int]], list[float]], groups: list[list[int]], device: str
) -> list[list[float]]:
    import torch

    with _THREADS:
        threads = torch.get_num_threads()
        if device != "cpu" or threads == 1 or len(groups) < 2:
            return [work(group) for group in groups]
        # the number of threads is each thread's own and, in part, the whole process's:
        # set in all, restored here
        try:
            torch.set_num_threads(1)
            with ThreadPoolExecutor(
                threads, initializer=torch.set_num_threads, initargs=(1,)
            ) as pool:
                return list(pool.map(work, groups))
        finally:
            torch.set_num_threads(threads)
