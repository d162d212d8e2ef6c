"""What DVC's stages name must stand in params.yaml, even where the default would do."""

import yaml
from support.checkout import ROOT

from afs_stages.core.params.tracked import untracked


def test_the_projects_own_file_has_every_key() -> None:
    data = yaml.safe_load((ROOT / "params.yaml").read_text())
    assert untracked(data, ROOT / "dvc.yaml") == []


def test_a_missing_block_is_named_with_what_to_write() -> None:
    tree = yaml.safe_load((ROOT / "params.yaml").read_text())
    del tree["models"]["veran"]["train"], tree["fit"]
    found = untracked(tree, ROOT / "dvc.yaml")
    assert [mistake.key for mistake in found] == [
        ("fit",),
        ("models", "veran", "train"),
    ]
    assert "`fit: {}`" in found[0].fix


def test_a_missing_value_is_named_with_its_default() -> None:
    tree = yaml.safe_load((ROOT / "params.yaml").read_text())
    del tree["models"]["veran"]["wordings"], tree["models"]["majora"]["rehearsal"]
    fixes = [mistake.fix for mistake in untracked(tree, ROOT / "dvc.yaml")]
    assert ["`rehearsal: {}`" in fixes[0], "`ratio: 0.0`" in fixes[1]] == [True, True]
    assert "`wordings: null`" in fixes[2]
