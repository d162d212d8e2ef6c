"""params.yaml: every mistake is said with its line and the nearest known key."""

from pathlib import Path

import pytest

from afs_stages.core.errors import UserError
from afs_stages.core.params import load, parse

ROOT = Path(__file__).parents[2]
SMALL = """\
sources:
  oracle: {root: hack}
models:
  majora:
    version: v1
    weights: {oracle: 1.0}
    rebalance:
      tolerance: 0.1
"""


def failure(text: str) -> str:
    with pytest.raises(UserError) as caught:
        parse(text)
    return str(caught.value)


def test_the_projects_own_file_is_valid_and_names_every_source_it_weighs() -> None:
    params = load(ROOT / "params.yaml")
    assert [params.weights_without_source(model) for model in params.models] == [[], []]


def test_a_typo_names_line_key_and_nearest_guess() -> None:
    text = failure(SMALL.replace("tolerance", "tolerence"))
    assert text.startswith(
        "params.yaml:8: models.majora.rebalance.tolerence: unknown key 'tolerence' "
        "(did you mean 'tolerance'?"
    )


def test_a_typo_at_the_top_level_lists_the_blocks_there_are() -> None:
    text = failure(SMALL + "splitt: {train: 0.5}\n")
    assert "params.yaml:9: splitt: unknown key 'splitt' (did you mean 'split'?" in text
    assert "base_model" in text


def test_all_mistakes_are_listed_at_once() -> None:
    text = failure(SMALL + "seed: abc\nfit: {max_tokens: 3}\n")
    assert "params.yaml:9: seed: " in text
    assert "params.yaml:10: fit.max_tokens: " in text


def test_a_missing_key_names_its_block() -> None:
    assert "params.yaml:4: models.majora.version: missing key" in failure(
        SMALL.replace("    version: v1\n", "")
    )


def test_a_key_that_stands_twice_is_refused() -> None:
    assert (
        "params.yaml:9: models: key 'models' stands twice, first in line 3"
        in failure(SMALL + "models: {}\n")
    )


def test_broken_yaml_names_the_line() -> None:
    assert failure("seed: [1\nsources: 2\n").startswith("params.yaml:2: not valid YAML")


@pytest.mark.parametrize("text", ["", "- 1\n", "just words\n"])
def test_a_file_without_a_mapping_is_explained(text: str) -> None:
    assert "empty or no mapping" in failure(text)


def test_ratio_and_weight_for_rehearsal_exclude_each_other() -> None:
    text = SMALL.replace(
        "{oracle: 1.0}", "{oracle: 1.0, rehearsal: 0.2}\n    rehearsal: {ratio: 0.1}"
    )
    assert "not both" in failure(text)


def test_a_models_train_block_overrides_single_keys_and_refuses_unknown_ones() -> None:
    params = parse(SMALL + "    train: {r: 4}\ntrain: {alpha: 8}\n")
    assert (params.train_for("majora").r, params.train_for("majora").alpha) == (4, 8)
    assert "learning_rat" in failure(SMALL + "    train: {learning_rat: 4}\n")


def test_a_model_cannot_take_the_name_of_a_folder_of_ours() -> None:
    assert "models/electra is taken" in failure(SMALL.replace("majora", "electra"))


def test_exponents_without_a_point_are_numbers() -> None:
    assert parse(SMALL + "train: {learning_rate: 2e-4}\n").train.learning_rate == 2e-4


def test_a_weight_of_a_removed_source_counts_for_nothing() -> None:
    params = parse(SMALL.replace("{oracle: 1.0}", "{oracle: 1.0, gemini: 0.5}"))
    assert params.sources_of("majora") == ["oracle"]
    assert params.weights_without_source("majora") == ["gemini"]
