"""The discriminator on the sample hack: cross-fitted, calibrated, repeatable, and clear
when its folder is not.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from afs_stages.core.atomic import atomic_folder
from afs_stages.core.errors import UserError
from afs_stages.core.params.data import Discriminator
from afs_stages.scoring.context import Context
from afs_stages.scoring.discriminator.assembly_folder import folder_samples
from afs_stages.scoring.discriminator.calibration import (
    Calibration,
    auc,
    expected_calibration_error,
)
from afs_stages.scoring.discriminator.cross_fit import train_bundle
from afs_stages.scoring.discriminator.electra import MAX_UNITS, ElectraModel
from afs_stages.scoring.discriminator.fold_models import (
    MANIFEST,
    FoldModels,
    load,
    save,
)
from afs_stages.scoring.discriminator.pairs import make_pairs, real_blocks
from afs_stages.scoring.discriminator.tokens import Vocabulary, tokenise

HACK = Path(__file__).parents[2] / "data/sample/hack"
SAMPLES = list(folder_samples(HACK))
BLOCKS = real_blocks(SAMPLES)
TINY = Discriminator(
    kind="both", hidden_size=16, layers=1, pretrain_epochs=1, epochs=1, folds=2
)


@pytest.fixture(scope="module")
def trained() -> tuple[FoldModels, dict[str, object]]:
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    return train_bundle(BLOCKS[:24], Context.of(SAMPLES), TINY, 7)


def test_units_are_whole() -> None:
    tokens = tokenise("Main:\n.loop\n LDA.w $7E0022,X ; c\n BNE .loop")
    assert tokens == [
        "main:",
        "<nl>",
        ".0:",
        "<nl>",
        "op:lda.w",
        "$7e0022",
        ",",
        "x",
        "<nl>",
        "op:bne",
        ".0",
        "<nl>",
    ]


def test_unknown_units_fall_back_to_their_class() -> None:
    vocabulary = Vocabulary.of([["op:lda", "$12"]] * 2)
    ids = vocabulary.encode(["$99", "op:lda", "Never_Seen"])
    assert [vocabulary.tokens[i] for i in ids] == ["<hex2>", "op:lda", "<symbol>"]


def test_no_row_is_judged_by_a_model_that_saw_its_file(
    trained: tuple[FoldModels, dict[str, object]],
) -> None:
    bundle, _ = trained
    block = BLOCKS[0]
    fold = bundle.fold_of(block.code, block.file)
    alone = FoldModels(bundle.kind, [bundle.models[fold]], [bundle.calibrations[fold]])
    assert bundle.score([block.code], [block.file]) == pytest.approx(
        alone.score([block.code], [""]), abs=1e-6
    )
    assert bundle.fold_of(block.code, "elsewhere/copy.asm") == fold, (
        "a copy under another name is known by its code"
    )
    assert bundle.fold_of("NOP\nNOP", "unseen.asm") is None


def test_scores_do_not_depend_on_the_batch(
    trained: tuple[FoldModels, dict[str, object]],
) -> None:
    bundle, _ = trained
    codes, files = [b.code for b in BLOCKS[:10]], [b.file for b in BLOCKS[:10]]
    together = bundle.score(codes, files)
    alone = [
        bundle.score([code], [file])[0] for code, file in zip(codes, files, strict=True)
    ]
    assert together == pytest.approx(alone, abs=1e-3)


def test_saved_and_trained_again_the_same(
    trained: tuple[FoldModels, dict[str, object]], tmp_path: Path
) -> None:
    bundle, measures = trained
    with atomic_folder(tmp_path / "m") as folder:
        save(bundle, folder)
    again, same = train_bundle(BLOCKS[:24], Context.of(SAMPLES), TINY, 7)
    with atomic_folder(tmp_path / "n") as folder:
        save(again, folder)
    first = {
        p.relative_to(tmp_path / "m"): p.read_bytes()
        for p in (tmp_path / "m").rglob("*")
        if p.is_file()
    }
    second = {
        p.relative_to(tmp_path / "n"): p.read_bytes()
        for p in (tmp_path / "n").rglob("*")
        if p.is_file()
    }
    assert measures == same
    assert first == second
    code = BLOCKS[0].code
    assert load(tmp_path / "m").score([code], [""]) == pytest.approx(
        bundle.score([code], [""]), abs=1e-5
    )


def test_a_damaged_folder_is_said(
    trained: tuple[FoldModels, dict[str, object]], tmp_path: Path
) -> None:
    with atomic_folder(tmp_path / "m") as folder:
        save(trained[0], folder)
    next((tmp_path / "m").rglob("model.safetensors")).write_bytes(b"torn")
    with pytest.raises(UserError, match="discriminator"):
        load(tmp_path / "m")
    (tmp_path / "m" / MANIFEST).write_text('{"format": 1}')
    with pytest.raises(UserError, match="format 1, this version reads 4") as refused:
        load(tmp_path / "m")
    assert "train it again" in str(refused.value)
    (tmp_path / "m" / MANIFEST).write_text("{}")
    with pytest.raises(UserError, match="not a discriminator's manifest"):
        load(tmp_path / "m")


def test_code_of_one_file_trains_nothing() -> None:
    bundle, measures = train_bundle(
        [b for b in BLOCKS if b.file == BLOCKS[0].file], Context(), TINY, 7
    )
    assert not bundle.models
    assert "auc" not in measures


def test_calibration_and_its_measures() -> None:
    values, real = (
        [-2.0, -1.0, 0.5, 1.0, 2.0, -0.5],
        [False, False, True, True, True, True],
    )
    scale = Calibration.fit(values, real)
    assert scale(2.0) > scale(-2.0)
    assert auc(values, real) == 1.0
    assert auc([1.0, 1.0], [True, False]) == 0.5
    assert auc([1.0], [True]) is None
    assert expected_calibration_error([1.0, 0.0], [True, False]) == 0.0


def test_training_can_start_from_a_checkpoint(tmp_path: Path) -> None:
    from transformers import ElectraConfig
    from transformers import ElectraModel as Encoder

    config = ElectraConfig(
        vocab_size=50,
        embedding_size=8,
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=32,
    )
    Encoder(config).save_pretrained(tmp_path)
    settings = TINY.model_copy(update={"kind": "electra", "base": str(tmp_path)})
    model = ElectraModel.fit(list(make_pairs(BLOCKS[:12], 7)), settings, 7)
    assert model.classifier.config.num_hidden_layers == 2, (
        "the checkpoint's size, not the parameters'"
    )
    long = BLOCKS[0].code * (MAX_UNITS // 5)
    assert model.score([BLOCKS[0].code, long])[0] == model.score([BLOCKS[0].code])[0]


def test_a_checkpoint_that_is_none_is_explained(tmp_path: Path) -> None:
    settings = TINY.model_copy(update={"base": str(tmp_path)})
    with pytest.raises(UserError, match=r"cannot load the checkpoint"):
        ElectraModel.fit(list(make_pairs(BLOCKS[:2], 7)), settings, 7)
