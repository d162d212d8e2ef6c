"""What DVC's stages name must stand in params.yaml, even where the default would do."""

from pathlib import Path

import pytest
import yaml
from support.checkout import ROOT

from afs_stages.core.errors import UserError
from afs_stages.core.params.tracked import require_tracked


def test_the_projects_own_file_has_every_key() -> None:
    require_tracked(ROOT / "params.yaml", ROOT / "dvc.yaml")


def test_a_missing_block_is_named_with_what_to_write(tmp_path: Path) -> None:
    tree = yaml.safe_load((ROOT / "params.yaml").read_text())
    del tree["models"]["veran"]["train"], tree["fit"]
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(tree))
    with pytest.raises(
        UserError, match=r"params.yaml: fit, models.veran.train: not there"
    ) as refused:
        require_tracked(tmp_path / "params.yaml", ROOT / "dvc.yaml")
    assert "`fit: {}`" in str(refused.value)
