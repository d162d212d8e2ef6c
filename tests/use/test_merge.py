"""A version in use: which one, merged, and handed on."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from afs_stages.core import jsonl, layout
from afs_stages.core.errors import UserError
from afs_stages.registry.current import Current, put_forward, take_back
from afs_stages.registry.records import Experiment
from afs_stages.use.chosen import choose
from afs_stages.use.merge import merge
from afs_stages.use.publish import publish

QUESTION = [{"role": "user", "content": "Which address opens the gate in case 51-3?"}]


def logits(model: torch.nn.Module, folder: Path) -> torch.Tensor:
    from transformers import AutoTokenizer

    ids = AutoTokenizer.from_pretrained(folder).apply_chat_template(
        QUESTION, return_tensors="pt", add_generation_prompt=True, return_dict=True
    )
    with torch.inference_mode():
        return model(**ids).logits


def of_adapter(version: str) -> torch.Tensor:
    from peft import PeftModel
    from transformers import AutoModelForCausalLM

    chosen = choose("veran", version)
    base = AutoModelForCausalLM.from_pretrained(layout.BASE_MODEL)
    model = PeftModel.from_pretrained(base, chosen.adapter)
    return logits(model, chosen.adapter)


@pytest.mark.parametrize("version", ["v4", "v5"])
def test_a_merged_folder_says_what_base_and_adapter_say(
    project: Path, version: str
) -> None:
    from transformers import AutoModelForCausalLM

    folder, is_new = merge(choose("veran", version))
    assert is_new
    model = AutoModelForCausalLM.from_pretrained(folder)
    assert model.dtype == torch.float32, "the type the base is stored in"
    assert torch.allclose(logits(model, folder), of_adapter(version), atol=1e-4)
    assert version in (folder / "README.md").read_text()
    assert (project / "use/.gitignore").read_text() == "*\n"


def test_a_merged_folder_is_made_once_and_again_when_it_would_differ(
    project: Path,
) -> None:
    folder, _ = merge(choose("veran", "v5"))
    assert merge(choose("veran", "v5")) == (folder, False)
    first = (folder / "model.safetensors").read_bytes()
    assert merge(choose("veran", "v5"), "bf16") == (folder, True)
    small = (folder / "model.safetensors").read_bytes()
    assert len(small) < 0.6 * len(first)
    merge(choose("veran", "v5"))
    assert (folder / "model.safetensors").read_bytes() == first, "same bytes again"


def test_a_published_adapter_loads_from_any_folder(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from peft import AutoPeftModelForCausalLM

    expected = of_adapter("v4")
    folder = publish(choose("veran", "v4")).resolve()
    before = jsonl.read_json(choose("veran", "v4").adapter / "adapter_config.json")
    assert not Path(before["base_model_name_or_path"]).is_relative_to(folder)
    monkeypatch.chdir(tmp_path)
    model = AutoPeftModelForCausalLM.from_pretrained(folder)
    assert torch.allclose(logits(model, folder), expected, atol=1e-5)
    named = jsonl.read_json(folder / "adapter_config.json")["base_model_name_or_path"]
    assert named in (folder / "README.md").read_text()


def experiment(name: str) -> Experiment:
    return Experiment(experiment_id=name, run_name="veran", base_model="tiny")


def test_the_version_in_use_is_the_registered_one_until_it_is_withdrawn(
    project: Path,
) -> None:
    assert choose("veran").version == "v5", "nothing registered: the newest there is"
    put_forward("veran", experiment("bad"), "v5")
    assert choose("veran").version == "v5"
    take_back("veran", "v4", ["bad"])
    assert choose("veran").version == "v4"
    put_forward("veran", experiment("bad"), "v5")
    assert choose("veran").version == "v4", "a withdrawn experiment stays withdrawn"
    assert put_forward("veran", experiment("better"), "v5") == Current(
        version="v5", withdrawn=["bad"]
    )
    assert choose("veran").version == "v5"


def test_what_cannot_be_used_is_explained(project: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"no adapter of veran v3 here .*v4, v5"):
        choose("veran", "v3")
    with pytest.raises(UserError, match="no version of other is trained yet"):
        choose("other")
    registry = project / "models/registry/current"
    registry.mkdir(parents=True)
    (registry / "veran.json").write_text('{"version": "the last"}')
    with pytest.raises(UserError, match=r"veran\.json: not a registry's current"):
        choose("veran")


def test_a_version_of_another_base_is_refused(
    project: Path, base_folder: Path, tmp_path: Path
) -> None:
    import shutil

    other = tmp_path / "other"
    shutil.copytree(base_folder, other)
    (other / "note.txt").write_text("not the same files")
    with pytest.raises(UserError, match="trained on another base"):
        choose("veran", "v5", str(other))
