"""The ELECTRA encoder with two heads: one says per unit whether it was replaced, one
judges the snippet.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from afs_stages.core.errors import UserError

PAD, CLS, MASK = 0, 1, 2
MAX_UNITS = 256
"""Units of one window; a longer snippet is cut into windows and scored by its worst."""


def batches(lengths: Sequence[int], budget: int) -> Iterator[list[int]]:
    """Indices grouped by length so that a padded batch holds at most `budget` units (at
    least one item).
    """
    batch: list[int] = []
    for index in sorted(range(len(lengths)), key=lambda i: (lengths[i], i)):
        if batch and lengths[index] * (len(batch) + 1) > budget:
            yield batch
            batch = []
        batch.append(index)
    if batch:
        yield batch


@contextmanager
def repeatable(seed: int) -> Iterator[None]:
    """Make torch repeat itself inside the block: seeded, deterministic algorithms,
    no denormals.
    """
    import torch

    torch.manual_seed(seed)
    torch.use_deterministic_algorithms(True, warn_only=True)
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        # the processor's flag holds for everything in this thread,
        # so it is not left behind
        torch.set_flush_denormal(False)
        torch.use_deterministic_algorithms(False)


def pad(
    rows: Sequence[Sequence[int]], device: str = "cpu", width: int = 0
) -> tuple[Any, Any]:
    """(ids, attention mask) of rows, padded to a width or to the longest."""
    import torch

    width = width or max(map(len, rows))
    ids = torch.tensor(
        [[*row, *[PAD] * (width - len(row))] for row in rows], device=device
    )
    return ids, (ids != PAD).long()


def build(vocabulary: int, hidden: int, layers: int, base: str = "") -> Any:
    """An encoder with its heads: fresh, or with the layers of a pre-trained ELECTRA,
    `hub id@revision` or folder.

    Units are not a checkpoint's word pieces, so their embeddings are fresh either way.
    Raises `UserError` where the checkpoint cannot be had.
    """
    from transformers import ElectraConfig, ElectraModel

    if base:
        return _judge(_pretrained(base, vocabulary))
    config = ElectraConfig(
        vocab_size=vocabulary,
        embedding_size=hidden,
        hidden_size=hidden,
        num_hidden_layers=layers,
        num_attention_heads=max(1, hidden // 32),
        intermediate_size=4 * hidden,
        max_position_embeddings=MAX_UNITS + 2,
        pad_token_id=PAD,
        hidden_dropout_prob=0.1,
        attention_probs_dropout_prob=0.1,
    )
    return _judge(ElectraModel(config))


def _pretrained(base: str, vocabulary: int) -> Any:
    import torch
    from transformers import ElectraModel

    name, _, revision = base.partition("@")
    try:
        encoder: Any = ElectraModel.from_pretrained(name, revision=revision or "main")
    except (OSError, ValueError) as error:
        what = str(error).splitlines()[0]
        fix = (
            "give an ELECTRA's folder or hub id@revision, "
            "or leave discriminator.base empty"
        )
        raise UserError(
            f"cannot load the checkpoint: {what}", where=base, fix=fix
        ) from None
    config = encoder.config
    if config.max_position_embeddings < MAX_UNITS + 2:
        raise UserError(
            f"the checkpoint has {config.max_position_embeddings} positions, "
            f"{MAX_UNITS + 2} are needed",
            where=base,
        )
    embeddings = torch.nn.Embedding(vocabulary, config.embedding_size, padding_idx=PAD)
    torch.nn.init.normal_(embeddings.weight, std=config.initializer_range)
    encoder.embeddings.word_embeddings = embeddings
    config.vocab_size, config.pad_token_id = vocabulary, PAD
    return encoder


def _judge(encoder: Any) -> Any:
    import torch

    class ElectraNetwork(torch.nn.Module):
        """ELECTRA encoder; `forward` gives (log-odds that a unit is an edit, log-odds
        that the snippet is real).
        """

        def __init__(self) -> None:
            super().__init__()
            self.encoder = encoder
            width = encoder.config.hidden_size
            self.unit_head = torch.nn.Linear(width, 1)
            self.snippet_head = torch.nn.Linear(3 * width, 1)
            self.mix = torch.nn.Parameter(torch.tensor(0.5))

        def forward(self, ids: Any, mask: Any) -> tuple[Any, Any]:
            return self.heads(
                self.encoder(ids, attention_mask=mask).last_hidden_state, mask
            )

        def heads(self, states: Any, mask: Any) -> tuple[Any, Any]:
            units = self.unit_head(states).squeeze(-1)
            hidden = mask == 0
            peak = states.masked_fill(hidden.unsqueeze(-1), -1e4).amax(1)
            mean = (states * mask.unsqueeze(-1)).sum(1) / mask.sum(1, keepdim=True)
            whole = self.snippet_head(
                torch.cat([states[:, 0], mean, peak], dim=1)
            ).squeeze(-1)
            suspicion = units.masked_fill(hidden, -30.0).logsumexp(1)
            return units, whole - self.mix * suspicion

    return ElectraNetwork()


def generator(vocabulary: int, hidden: int) -> Any:
    """The small masked language model whose guesses the encoder learns to tell
    from the real units.
    """
    from transformers import ElectraConfig, ElectraForMaskedLM

    config = ElectraConfig(
        vocab_size=vocabulary,
        embedding_size=hidden,
        hidden_size=hidden,
        num_hidden_layers=1,
        num_attention_heads=1,
        intermediate_size=2 * hidden,
        max_position_embeddings=MAX_UNITS + 2,
        pad_token_id=PAD,
    )
    return ElectraForMaskedLM(config)


def _optimizer(parameters: Any, rate: float, steps: int) -> tuple[Any, Any]:
    import torch

    optimizer = torch.optim.AdamW(parameters, lr=rate, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, rate, total_steps=max(steps, 2), pct_start=0.15
    )
    return optimizer, schedule


def _epochs(
    rows: Sequence[Sequence[int]], budget: int, epochs: int, seed: int
) -> list[list[int]]:
    found: list[list[int]] = []
    for epoch in range(epochs):
        groups = list(batches([len(row) for row in rows], budget))
        random.Random(f"{seed}:{epoch}").shuffle(groups)
        found += groups
    return found


def pretrain(
    model: Any,
    rows: Sequence[Sequence[int]],
    epochs: int,
    budget: int,
    rate: float,
    seed: int,
) -> None:
    """Replaced-token detection on real code: the generator fills masked units, the
    encoder finds them.
    """
    import torch
    from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy

    steps = _epochs(rows, budget, epochs, seed)
    if not steps:
        return
    config = model.encoder.config
    maker = generator(config.vocab_size, max(16, config.hidden_size // 2))
    optimizer, schedule = _optimizer(
        [*model.parameters(), *maker.parameters()], rate, len(steps)
    )
    model.train()
    for group in steps:
        ids, mask = pad([rows[i] for i in group])
        masked = (torch.rand(ids.shape) < 0.15) & (mask == 1) & (ids > MASK)
        logits = maker(ids.masked_fill(masked, MASK), attention_mask=mask).logits
        if not masked.any():
            continue
        guess = torch.multinomial(logits[masked].detach().softmax(-1), 1).squeeze(-1)
        made = ids.clone()
        made[masked] = guess
        units, _ = model(made, mask)
        found = binary_cross_entropy_with_logits(
            units[mask == 1], (made != ids).float()[mask == 1]
        )
        loss = cross_entropy(logits[masked], ids[masked]) + 20.0 * found
        _step(loss, optimizer, schedule, [*model.parameters(), *maker.parameters()])


def _step(loss: Any, optimizer: Any, schedule: Any, parameters: Any) -> None:
    import torch

    optimizer.zero_grad()
    loss.backward()
    torch.nn.utils.clip_grad_norm_(parameters, 1.0)
    optimizer.step()
    schedule.step()


def finetune(
    model: Any,
    rows: Sequence[Sequence[int]],
    edits: Sequence[Sequence[int]],
    real: Sequence[bool],
    epochs: int,
    budget: int,
    rate: float,
    seed: int,
) -> None:
    """Learn to judge snippets: `edits[i][j]` is 1 where unit j of row i is an edit,
    `real[i]` the label.
    """
    import torch
    from torch.nn.functional import binary_cross_entropy_with_logits

    weight = torch.tensor(max(1.0, (len(real) - sum(real)) / max(1, sum(real))))
    steps = _epochs(rows, budget, epochs, seed)
    optimizer, schedule = _optimizer(list(model.parameters()), rate, len(steps))
    model.train()
    for group in steps:
        ids, mask = pad([rows[i] for i in group])
        labels = torch.tensor([float(real[i]) for i in group])
        marks, _ = pad([[1 + mark for mark in edits[i]] for i in group])
        units, snippet = model(ids, mask)
        positives = (marks == 2).float()
        unit_loss = binary_cross_entropy_with_logits(
            units[mask == 1], positives[mask == 1], pos_weight=torch.tensor(10.0)
        )
        loss = (
            binary_cross_entropy_with_logits(snippet, labels, pos_weight=weight)
            + 2.0 * unit_loss
        )
        _step(loss, optimizer, schedule, list(model.parameters()))


def save(model: Any, folder: Path) -> None:
    """Write weights and configuration."""
    from safetensors.torch import save_file

    folder.mkdir(parents=True, exist_ok=True)
    save_file(
        {name: value.contiguous() for name, value in model.state_dict().items()},
        folder / "model.safetensors",
    )
    model.encoder.config.to_json_file(folder / "config.json")


def load(folder: Path) -> Any:
    """Read what `save` wrote; `ValueError` where the file of weights is damaged."""
    from safetensors import SafetensorError
    from safetensors.torch import load_file
    from transformers import ElectraConfig, ElectraModel

    model = _judge(ElectraModel(ElectraConfig.from_json_file(folder / "config.json")))
    try:
        model.load_state_dict(load_file(folder / "model.safetensors"))
    except SafetensorError as error:
        raise ValueError(str(error)) from None
    return model
