"""ELECTRA over units, by transformers' own classes and Trainer: it learns to find units
that were replaced in real code, then to tell real code from corrupted.
"""

from __future__ import annotations

import random
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from afs_stages.core.errors import UserError
from afs_stages.core.jsonl import read_json, write_json
from afs_stages.core.params.data import Discriminator as Settings
from afs_stages.scoring.discriminator.pairs import Pair
from afs_stages.scoring.discriminator.tokens import SPECIAL, Vocabulary, tokenise

MAX_UNITS = 500
"""Units of a window; with its start it fits the 512 positions of any ELECTRA."""
PAD, CLS = SPECIAL.index("<pad>"), SPECIAL.index("<cls>")
REPLACED = 0.15
"""Share of units that are replaced in pre-training, as ELECTRA does."""
_FIX = "give an ELECTRA's folder or hub id@revision, or leave discriminator.base empty"

Example = dict[str, Any]


def windows(units: Sequence[int]) -> Iterator[list[int]]:
    """Units in windows that the model can read, each with its start."""
    for start in range(0, max(len(units), 1), MAX_UNITS):
        yield [CLS, *units[start : start + MAX_UNITS]]


@dataclass
class ElectraModel:
    """A trained ELECTRA; `score` is the log-odds that code is genuine."""

    vocabulary: Vocabulary
    classifier: Any

    @classmethod
    def fit(cls, pairs: Sequence[Pair], settings: Settings, seed: int) -> ElectraModel:
        """Pre-train on the real code of `pairs`, then learn to tell it from the
        corruptions. Raises `UserError` where `discriminator.base` cannot be had.
        """
        from transformers import (
            ElectraForPreTraining,
            ElectraForSequenceClassification,
            set_seed,
        )

        set_seed(seed)
        texts = [tokenise(pair.code) for pair in pairs]
        real = [units for units, pair in zip(texts, pairs, strict=True) if pair.real]
        vocabulary = Vocabulary.of(real)
        encoded = [vocabulary.encode(units) for units in texts]
        found = _loaded(ElectraForPreTraining, settings, len(vocabulary.tokens))
        genuine = [ids for ids, pair in zip(encoded, pairs, strict=True) if pair.real]
        _train(
            found, _replaced(genuine, settings.pretrain_epochs, seed), settings, seed
        )
        classifier = ElectraForSequenceClassification(found.config)
        classifier.electra.load_state_dict(found.electra.state_dict())
        judged = _judged(encoded, pairs)
        _train(classifier, judged * settings.epochs, settings, seed)
        return cls(vocabulary, classifier.eval())

    def score(self, codes: Sequence[str]) -> list[float]:
        """Log-odds of each text; that of its worst window where it has several."""
        import torch

        scores = []
        with torch.no_grad():
            for code in codes:
                odds = [
                    self._odds(window)
                    for window in windows(self.vocabulary.encode(tokenise(code)))
                ]
                scores.append(min(odds))
        return scores

    def _odds(self, window: list[int]) -> float:
        import torch

        # one by one: what stands beside it in a batch would move the last bits
        ids = torch.tensor([window], device=self.classifier.device)
        bad, good = self.classifier(input_ids=ids).logits[0].tolist()
        return float(good - bad)

    def save(self, folder: Path) -> None:
        """Write vocabulary, configuration and weights."""
        self.classifier.save_pretrained(folder)
        write_json(folder / "vocabulary.json", list(self.vocabulary.tokens))

    @classmethod
    def load(cls, folder: Path) -> ElectraModel:
        """Read what `save` wrote; `ValueError` where its weights are damaged."""
        from safetensors import SafetensorError
        from transformers import ElectraForSequenceClassification

        vocabulary = Vocabulary(tuple(read_json(folder / "vocabulary.json")))
        try:
            model = ElectraForSequenceClassification.from_pretrained(folder)
        except SafetensorError as error:
            raise ValueError(str(error)) from None
        return cls(vocabulary, model.eval())


def _loaded(kind: Any, settings: Settings, vocabulary: int) -> Any:
    """A fresh model, or one with a checkpoint's layers. Units are no word pieces, so
    their embeddings are fresh either way.
    """
    from transformers import ElectraConfig

    if not settings.base:
        width = settings.hidden_size
        config = ElectraConfig(
            vocab_size=vocabulary,
            embedding_size=width,
            hidden_size=width,
            num_hidden_layers=settings.layers,
            num_attention_heads=max(1, width // 32),
            intermediate_size=4 * width,
            pad_token_id=PAD,
        )
        return kind(config)
    name, _, revision = settings.base.partition("@")
    revision = revision or "main"
    try:
        config = ElectraConfig.from_pretrained(name, revision=revision)
        config.vocab_size, config.pad_token_id = vocabulary, PAD
        return kind.from_pretrained(
            name, revision=revision, config=config, ignore_mismatched_sizes=True
        )
    except (OSError, ValueError) as error:
        what = str(error).splitlines()[0]
        raise UserError(
            f"cannot load the checkpoint: {what}", where=settings.base, fix=_FIX
        ) from None


def _replaced(codes: Sequence[Sequence[int]], epochs: int, seed: int) -> list[Example]:
    """Real code with some units drawn anew from all units, each epoch others."""
    every = [unit for ids in codes for unit in ids]
    rng = random.Random(seed)
    examples = []
    for _ in range(epochs):
        for ids in codes:
            for window in windows(ids):
                examples.append(_with_replacements(window, every, rng))
    return examples


def _with_replacements(
    window: Sequence[int], every: Sequence[int], rng: random.Random
) -> Example:
    ids = [
        rng.choice(every) if at and rng.random() < REPLACED else unit
        for at, unit in enumerate(window)
    ]
    labels = [int(new != old) for new, old in zip(ids, window, strict=True)]
    return {"input_ids": ids, "labels": labels}


def _judged(encoded: Sequence[Sequence[int]], pairs: Sequence[Pair]) -> list[Example]:
    """Windows with what they are; of a corrupted text only the window that differs
    from the real one is known to be bad.
    """
    real = {
        pair.of: list(windows(ids))
        for ids, pair in zip(encoded, pairs, strict=True)
        if pair.real
    }
    examples = []
    for ids, pair in zip(encoded, pairs, strict=True):
        for window in windows(ids):
            if pair.real or window not in real[pair.of]:
                examples.append({"input_ids": window, "labels": int(pair.real)})
    return examples


def _train(
    model: Any, examples: Sequence[Example], settings: Settings, seed: int
) -> None:
    """One pass of transformers' Trainer over examples, batched by length."""
    from transformers import Trainer, TrainingArguments

    if not examples:
        return
    with tempfile.TemporaryDirectory() as folder:
        arguments = TrainingArguments(
            output_dir=folder,
            num_train_epochs=1,
            per_device_train_batch_size=settings.batch_size,
            learning_rate=settings.learning_rate,
            train_sampling_strategy="group_by_length",
            seed=seed,
            save_strategy="no",
            logging_strategy="no",
            report_to=[],
            disable_tqdm=True,
        )
        trainer = Trainer(
            model, arguments, train_dataset=list(examples), data_collator=_padded
        )
        trainer.train()


def _padded(examples: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """A batch as tensors; labels of units are padded, those of windows are not."""
    import torch

    width = max(len(one["input_ids"]) for one in examples)

    def filled(values: Sequence[int], with_what: int) -> list[int]:
        return [*values, *[with_what] * (width - len(values))]

    ids = torch.tensor([filled(one["input_ids"], PAD) for one in examples])
    labels = [one["labels"] for one in examples]
    if isinstance(labels[0], list):
        # the attention mask already leaves these places out of the loss
        labels = [filled(one, 0) for one in labels]
    return {
        "input_ids": ids,
        "attention_mask": (ids != PAD).long(),
        "labels": torch.tensor(labels),
    }
