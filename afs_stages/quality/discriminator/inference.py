"""Judging by a trained ELECTRA: batches by length, each read in as few and as fast steps as the machine has.

The encoder's forward pass is written out here: query, key and value are one product, products in fp32
go to oneDNN (torch's own choice, MKL, leaves AVX-512 unused on some processors), nothing but the
states is kept. The weights are copies, so that judging in bf16 leaves the model as it was.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Lock
from typing import Any, NamedTuple

from afs_stages.core.memory import keep_freed
from afs_stages.quality.discriminator.network import batches, pad

KEPT = 256 << 20
"""Bytes that freed activations may keep."""

Linear = tuple[Any, Any]
"""(weight, bias)"""


class _Layer(NamedTuple):
    joint: Linear
    mixed: Linear
    middle: Callable[[Any], Any]
    inner: Linear
    outer: Linear
    norms: tuple[Linear, Linear]


class Encoder:
    """The layers of an ELECTRA as plain weights on one device in one number format."""

    def __init__(self, encoder: Any, device: str, dtype: Any) -> None:
        """Copy the weights of a transformers `ElectraModel`."""
        import torch

        def own(*modules: Any) -> Linear:
            weight, bias = torch.cat([m.weight for m in modules]), torch.cat([m.bias for m in modules])
            return weight.detach().to(device, dtype), bias.detach().to(device, dtype)

        config = encoder.config
        self.heads, self.precision = config.num_attention_heads, config.layer_norm_eps
        parts = encoder.embeddings
        # every unit is of type 0
        place = parts.position_embeddings.weight + parts.token_type_embeddings.weight[0]
        self.units, self.places = (w.detach().to(device, dtype) for w in (parts.word_embeddings.weight, place))
        self.first = own(parts.LayerNorm)
        self.project = own(encoder.embeddings_project) if hasattr(encoder, "embeddings_project") else None
        self.layers = []
        for layer in encoder.encoder.layer:
            own_attention, after = layer.attention.self, layer.attention.output
            self.layers.append(
                _Layer(
                    own(own_attention.query, own_attention.key, own_attention.value), own(after.dense),
                    layer.intermediate.intermediate_act_fn, own(layer.intermediate.dense), own(layer.output.dense),
                    (own(after.LayerNorm), own(layer.output.LayerNorm)),
                )
            )  # fmt: skip
        self.linear = _linear(device)
        self.attend: Callable[..., Any] = _attend_in_steps if device == "cpu" and dtype == torch.bfloat16 else _attend

    def __call__(self, ids: Any, mask: Any) -> Any:
        """Last states (rows, units, width) of padded ids and their mask (1 where a unit stands)."""
        # added to how close two units are: nothing is close to padding
        seen = None if bool(mask.all()) else ((mask - 1) * 1e4).to(self.units.dtype)[:, None, None, :]
        states = self._normed(self.units[ids] + self.places[: ids.shape[1]], self.first)
        if self.project:
            states = self.linear(states, *self.project)
        for layer in self.layers:
            joint = self.linear(states, *layer.joint).view(*ids.shape, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
            mixed = self.attend(*joint, seen).transpose(1, 2).reshape(states.shape)
            states = self._normed(self.linear(mixed, *layer.mixed) + states, layer.norms[0])
            inner = layer.middle(self.linear(states, *layer.inner))
            states = self._normed(self.linear(inner, *layer.outer) + states, layer.norms[1])
        return states

    def _normed(self, states: Any, norm: Linear) -> Any:
        from torch.nn.functional import layer_norm

        return layer_norm(states, states.shape[-1:], *norm, self.precision)


def _linear(device: str) -> Callable[[Any, Any, Any], Any]:
    import torch

    there = torch.backends.mkldnn.is_available()  # type: ignore[no-untyped-call]
    product = getattr(torch.ops.mkldnn, "_linear_pointwise", None)
    if device != "cpu" or not there or product is None:
        return torch.nn.functional.linear
    return lambda states, weight, bias: product(states, weight, bias, "none", [], "")


def _attend(query: Any, key: Any, value: Any, seen: Any) -> Any:
    from torch.nn.functional import scaled_dot_product_attention

    return scaled_dot_product_attention(query, key, value, attn_mask=seen)


def _attend_in_steps(query: Any, key: Any, value: Any, seen: Any) -> Any:
    """Attention in steps: in bf16 on a CPU torch's fused attention takes longer."""
    closeness = (query * query.shape[-1] ** -0.5) @ key.transpose(-1, -2)
    if seen is not None:
        closeness += seen
    return closeness.softmax(-1) @ value


def judge(model: Any, rows: Sequence[Sequence[int]], budget: int, dtype: str = "fp32") -> list[float]:
    """Log-odds that each row is real; a row's score does not depend on which rows share its batch.

    On a CPU each of torch's threads takes whole batches: dividing one batch's small products among them
    costs more than it gains. `dtype` is fp32 or bf16; the heads always are fp32.
    """
    import torch

    device = "cuda" if torch.cuda.is_available() else "cpu"
    if device == "cpu":
        keep_freed(KEPT)
    model = model.to(device)
    encoder = Encoder(model.encoder, device, torch.bfloat16 if dtype == "bf16" else torch.float32)

    def scored(group: list[int]) -> list[float]:
        with torch.inference_mode():
            ids, mask = pad([rows[i] for i in group], device)
            return model.heads(encoder(ids, mask).float(), mask)[1].tolist()  # type: ignore[no-any-return]

    # the longest first, so that the threads end together
    groups = list(batches([len(row) for row in rows], budget))[::-1]
    scores = [0.0] * len(rows)
    for group, values in zip(groups, _each(scored, groups, device), strict=True):
        for index, value in zip(group, values, strict=True):
            scores[index] = value
    return scores


_THREADS = Lock()
"""Held while torch's number of threads is another: callers of several threads take turns."""


def _each(work: Callable[[list[int]], list[float]], groups: list[list[int]], device: str) -> list[list[float]]:
    import torch

    with _THREADS:
        threads = torch.get_num_threads()
        if device != "cpu" or threads == 1 or len(groups) < 2:
            return [work(group) for group in groups]
        # the number of threads is each thread's own and, in part, the whole process's: set in all, restored here
        try:
            torch.set_num_threads(1)
            with ThreadPoolExecutor(threads, initializer=torch.set_num_threads, initargs=(1,)) as pool:
                return list(pool.map(work, groups))
        finally:
            torch.set_num_threads(threads)
