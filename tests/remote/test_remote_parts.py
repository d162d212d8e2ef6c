"""Money, guard, start command, service and imports, each by itself."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lab import KEY, Lab, offer

from afs_stages.core.closure import ROOT, SourceCode
from afs_stages.core.errors import UserError
from afs_stages.core.hashes import folder_hash
from afs_stages.core.params import Params, load
from afs_stages.core.params.model import Train
from afs_stages.core.params.remote import GPUConfig, Timing, TrainingJob
from afs_stages.remote.box import guard
from afs_stages.remote.bundle import Bundle, build
from afs_stages.remote.connection import own_key
from afs_stages.remote.estimate import Need, fitting
from afs_stages.remote.inbox import Refused, answers
from afs_stages.remote.money import Offer, lease
from afs_stages.remote.onstart import LIMIT, onstart
from afs_stages.remote.plan import job_request
from afs_stages.remote.service import OfferGone, Service
from afs_stages.remote.traffic import COPIES, adapter_gb, home_gb

CONFIG = {
    "url": "https://console.vast.ai",
    "seconds": 3600.0,
    "tail": 600,
    "heartbeat": 600,
    "grace": 900,
    "teardown": 600,
    "tick": 5,
}
price = st.floats(0.01, 5)


@settings(deadline=None, max_examples=50)
@given(
    price,
    st.floats(0, 1),
    st.floats(0.1, 100),
    st.floats(0.1, 48),
    st.floats(0, 50),
    st.floats(0, 0.1),
)
def test_a_lease_never_costs_more_than_the_budget(
    dph, disk, budget, hours, gigabytes, per_gb
):
    one = Offer(1, 1, "g", 1, 24, dph, disk, per_gb, per_gb, 1, 1)
    found = lease(one, budget, hours, 900, 600, gigabytes, 1)
    assert found.seconds <= hours * 3600
    if found.seconds > 0:
        assert found.dollars <= budget * (1 + 1e-9)


@settings(deadline=None, max_examples=50)
@given(price, price, st.floats(0, 1), st.floats(0.1, 100), st.floats(1, 2))
def test_a_bid_is_what_the_lease_counts_with(dph, lowest, disk, budget, factor):
    one = Offer(1, 1, "g", 1, 24, dph, disk, 0, 0, 1, 1, lowest).at_bid(factor, 5.0)
    assert one.bid <= 5.0
    found = lease(one, budget, 48, 900, 600, 0, 0)
    if found.seconds > 0:
        paid = (one.bid + disk) * (found.seconds + 600) / 3600 + disk * 900 / 3600
        assert paid <= budget * (1 + 1e-6)


def test_the_guard_goes_for_each_reason_and_only_then():
    state = {"ran": 0.0, "deadline": 5000.0}
    assert guard.verdict(CONFIG, state, 1000, 900, 0, 0) == ""
    assert guard.verdict(CONFIG, state, 1600, 900, 0, 0) == "heartbeat"
    assert guard.verdict(CONFIG, state, 1600, 900, 0, 1) == "", (
        "detached: no heartbeat is wanted"
    )
    assert guard.verdict(CONFIG, state, 2000, 1999, 1000, 1) == "uncollected"
    assert guard.verdict(CONFIG, state, 5000, 4999, 0, 1) == "deadline"
    assert guard.verdict(CONFIG, {**state, "ran": 3600}, 1000, 999, 0, 0) == "deadline"


@pytest.mark.parametrize("jump", [-86400, 86400])
def test_a_clock_set_wrong_or_right_moves_no_deadline(jump, tmp_path):
    state = guard.load(str(tmp_path), CONFIG, 1000.0)
    assert (
        guard.tick(
            str(tmp_path), {**CONFIG, "heartbeat": 1e9}, state, 1000, 1005 + jump, 5
        )
        == ""
    )
    assert state["ran"] == 5
    assert state["deadline"] == 4600 + jump


def test_a_restart_moves_no_deadline(tmp_path):
    state = guard.load(str(tmp_path), CONFIG, 1000.0)
    guard.save(str(tmp_path), {**state, "ran": 100})
    again = guard.load(str(tmp_path), CONFIG, 3000.0)
    assert again["deadline"] == 4600
    assert again["ran"] == 100


def test_a_fresh_heartbeat_keeps_the_machine(tmp_path):
    state = guard.load(str(tmp_path), CONFIG, 1000.0)
    beat = tmp_path / "heartbeat"
    beat.touch()
    os.utime(beat, (1900, 1900))
    assert guard.tick(str(tmp_path), CONFIG, state, 1995, 2000, 5) == ""
    assert guard.tick(str(tmp_path), CONFIG, state, 2495, 2500, 5) == "heartbeat"


def test_the_start_command_is_short_and_the_same_each_time():
    assert len(onstart(CONFIG)) < LIMIT
    assert onstart(CONFIG) == onstart(dict(reversed(CONFIG.items())))


@settings(deadline=None, max_examples=30)
@given(
    st.floats(1e8, 7e10), st.integers(4, 128), st.floats(1e5, 1e8), st.integers(10, 500)
)
def test_more_of_anything_is_more_that_comes_home(parameters, rank, tokens, every):
    train, job = Train(r=rank, save_steps=every), TrainingJob()
    found = home_gb(job, train, parameters, tokens, Path())
    assert found > adapter_gb(parameters, rank) * (1 + COPIES)
    assert home_gb(job, train, parameters * 2, tokens, Path()) > found
    assert home_gb(job, train, parameters, tokens * 50, Path()) > found
    assert (
        home_gb(
            job,
            train.model_copy(update={"save_steps": every * 1000}),
            parameters,
            tokens,
            Path(),
        )
        <= found
    )
    assert home_gb(TrainingJob(results_gb=7), train, parameters, tokens, Path()) == 7


def test_the_adapter_of_a_7b_model_is_about_as_large_as_they_are():
    """Llama 2 7B, rank 16, all linear maps: 39,976,960 parameters, 160 MB."""
    assert adapter_gb(6.74e9, 16) == pytest.approx(0.16, rel=0.1)


def test_an_image_with_another_torch_than_the_tested_one_is_refused():
    import torch

    script = ROOT / "afs_stages/remote/box/image.py"
    here = torch.__version__.split("+")[0]
    fits = subprocess.run(
        [sys.executable, script, here], capture_output=True, text=True, check=False
    )
    assert fits.returncode == 0, fits.stderr
    other = subprocess.run(
        [sys.executable, script, "1.0.0"], capture_output=True, text=True, check=False
    )
    assert other.returncode == 1
    assert f"has torch {here}, the requirements were tested with 1.0.0" in other.stderr


def test_the_image_the_lock_and_the_pin_speak_of_one_torch():
    """The image brings torch, the lock must not: else pip would fetch gigabytes,
    or another build.
    """
    pinned = re.search(r'"torch==([\d.]+)"', (ROOT / "pyproject.toml").read_text())
    assert pinned
    assert load(ROOT / "params.yaml").remote.image.startswith(
        f"pytorch/pytorch:{pinned[1]}-cuda"
    )
    assert not re.search(
        r"^(torch|triton|nvidia-cu\w+)==",
        (ROOT / "requirements.lock").read_text(),
        re.MULTILINE,
    )


def test_imports_are_followed_and_nothing_else_travels():
    names = {
        str(path.relative_to(ROOT))
        for path in SourceCode().closure(["afs_stages.stages.train"])
    }
    assert {
        "afs_stages/__init__.py",
        "afs_stages/stages/train.py",
        "afs_stages/core/jsonl.py",
    } <= names
    assert not any("/remote/" in name or "/sources/" in name for name in names)


@pytest.fixture
def lab(monkeypatch):
    monkeypatch.setenv("VAST_API_KEY", KEY)
    made = Lab([offer(n) for n in range(1, 70)])
    yield made
    made.close()


def service(lab: Lab) -> Service:
    return Service(Timing(api_gap=0.01, api_patience=0.3, poll=0.01), url=lab.url)


def test_machines_are_found_over_all_pages_and_only_ours(lab):
    made = service(lab)
    for n in range(1, 61):
        made.create(
            n,
            label=f"afs-stages:m:{n}" if n % 2 else "someone else's",
            onstart_cmd="",
            disk=10,
        )
    assert len(made.mine("afs-stages:")) == 30


def test_an_offer_taken_is_told_from_a_doubt(lab):
    made = service(lab)
    with pytest.raises(OfferGone):
        made.create(999, label="afs-stages:m", onstart_cmd="", disk=10)


def test_a_destroy_that_never_goes_through_is_not_believed(lab):
    made = service(lab)
    id = made.create(1, label="afs-stages:m", onstart_cmd="", disk=10)
    lab.fault("DELETE", "/instances/", status=500, times=10_000)
    assert made.destroy(id) is False
    lab.faults.clear()
    assert made.destroy(id) is True
    assert made.destroy(id) is True, "gone already is gone"


def test_no_key_at_all_is_said_with_the_remedy(lab, tmp_path, monkeypatch):
    monkeypatch.delenv("VAST_API_KEY")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    with pytest.raises(UserError, match=r"no vast\.ai API key"):
        service(lab)


def test_a_class_too_small_names_the_one_that_fits(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    data = tmp_path / "data/converted/m/messages"
    data.mkdir(parents=True)
    (data / "train.jsonl").write_text(json.dumps({"messages": []}) + "\n")
    gpus = {
        "small": {"gpu_name": "A", "vram_gb": 24, "max_price": 1},
        "large": {"gpu_name": "B", "vram_gb": 80, "max_price": 2},
    }
    params = Params.model_validate(
        {
            "sources": {"s": {"root": "."}},
            "models": {"m": {"version": "v1", "weights": {"s": 1}}},
            "base_model": {"id": "someone/Big-14B"},
            "remote": {"gpus": gpus, "jobs": {"m": {"gpu_config": "small"}}},
        }
    )
    with pytest.raises(UserError, match="too small") as caught:
        job_request("m", params, Bundle(Path(), "0" * 64, 0.1))
    assert "--gpu large" in str(caught.value)
    assert (
        job_request("m", params, Bundle(Path(), "0" * 64, 0.1), gpu="large").gpu_class
        == "large"
    )
    assert fitting(
        Need(1, 1, 30, 0, ()), {n: GPUConfig(**g) for n, g in gpus.items()}
    ) == ["large"]


def test_what_a_machine_may_cost_is_no_part_of_what_it_trains(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for path in ("data/converted/m/messages/train.jsonl", "models/base/config.json"):
        Path(path).parent.mkdir(parents=True)
        Path(path).write_text("{}\n")
    tree = {
        "sources": {"s": {"root": "."}},
        "models": {
            "m": {"version": "v1", "weights": {"s": 1}},
            "other": {"version": "v1", "weights": {"s": 1}},
        },
        "remote": {
            "gpus": {"g": {"gpu_name": "RTX 4090", "vram_gb": 24, "max_price": 0.5}}
        },
    }

    def built(gpus: int = 1, **changes: object) -> str:
        params = Params.model_validate({**tree, **changes})
        job = TrainingJob.model_validate(
            {"gpu_config": "g", "max_hours": 1, "budget": 5 + gpus}
        )
        bundle = build("m", params, job, tmp_path / "bundle", gpus)
        assert load(bundle.folder / "params.yaml").train_for("m") == params.train_for(
            "m"
        )
        return bundle.hash

    first = built()
    assert built(gpus=2) == first
    assert (
        built(remote={**tree["remote"], "max_machines": 9, "timing": {"phase": 99}})
        == first
    )
    assert built(models={"m": tree["models"]["m"]}) == first
    assert built(train={"learning_rate": 0.00002}) != first
    assert built(seed=7) != first


OWN = Path("models/bases/mine")


@pytest.fixture
def with_own_base(tmp_path, monkeypatch):
    """A project whose base is a folder of two shards; gives its bundle's builder."""
    monkeypatch.chdir(tmp_path)
    index = {"weight_map": {"a": "one.safetensors", "b": "two.safetensors"}}
    pointer = {"kind": "folder", "id": str(OWN), "revision": None}
    files = {
        "data/converted/m/messages/train.jsonl": "{}\n",
        "models/base/base.json": json.dumps(pointer),
        OWN / "config.json": "{}",
        OWN / "one.safetensors": "1",
        OWN / "two.safetensors": "2",
        OWN / "model.safetensors.index.json": json.dumps(index),
    }
    for path, text in files.items():
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        Path(path).write_text(text)
    models = {"m": {"version": "v1", "weights": {"s": 1}}}
    tree = {"sources": {"s": {"root": "."}}, "models": models}
    job = {"gpu_config": "g", "max_hours": 1, "budget": 5}
    return lambda: build(
        "m",
        Params.model_validate({**tree, "base_model": {"id": str(OWN)}}),
        TrainingJob.model_validate(job),
        tmp_path / "bundle",
    )


def test_the_weights_of_an_own_base_travel_and_are_the_same_base_there(with_own_base):
    """As a hub's snapshot has them: links into a cache beside it."""
    cache = Path("cache")
    cache.mkdir()
    for path in OWN.glob("*.safetensors"):
        path.rename(cache / path.name)
        path.symlink_to(Path("../../../cache") / path.name)
    there = with_own_base().folder / OWN
    assert (there / "two.safetensors").read_text() == "2"
    assert not (there / "two.safetensors").is_symlink()
    assert folder_hash(there) == folder_hash(OWN)


@pytest.mark.parametrize(
    ("lost", "said"),
    [
        ("config.json", "no config.json"),
        ("two.safetensors", "no two.safetensors"),
    ],
)
def test_a_base_that_is_not_whole_rents_nothing(with_own_base, lost, said):
    (OWN / lost).unlink()
    with pytest.raises(UserError, match=f"cannot travel: {said}"):
        with_own_base()


def test_a_base_that_would_be_another_one_there_rents_nothing(with_own_base):
    (OWN / ".gitattributes").write_text("x")
    with pytest.raises(UserError, match="hidden files never travel"):
        with_own_base()


def test_a_base_outside_of_the_project_rents_nothing(with_own_base, tmp_path):
    pointer = {"kind": "folder", "id": str(tmp_path / OWN), "revision": None}
    Path("models/base/base.json").write_text(json.dumps(pointer))
    with pytest.raises(UserError, match=r"ln -s .* models/bases/mine"):
        with_own_base()


def test_answers_from_a_machine_are_text_and_yes_or_no(tmp_path):
    path = tmp_path / "generations.jsonl"
    row = {
        "task": "recall",
        "question": "Where?",
        "of": "v1",
        "wanted": ["$04"],
        "answers": {"base": "no\x1b[2J\nidea", "v1": "$04"},
        "right": {"base": False, "v1": True},
    }
    path.write_text(json.dumps({**row, "script": "<script>", "reference": 7}))
    row["answers"]["base"] = "no [2J\nidea"
    assert answers(path) == [{**row, "reference": ""}]
    for lie in ("[1]", "{", '{"answers": ["x"]}'):
        path.write_text(lie)
        with pytest.raises(Refused):
            answers(path)


def test_launches_at_once_share_one_key(tmp_path):
    """Each launch is a process of its own; the ssh key of the project is made by
    the first of them.
    """
    code = (
        "import sys; from pathlib import Path; from afs_stages.remote.connection "
        "import own_key; own_key(Path(sys.argv[1]))"
    )
    folder = tmp_path / "ssh"

    def launch(_: int) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-c", code, str(folder)],
            text=True,
            capture_output=True,
            check=False,
        )

    with ThreadPoolExecutor(4) as pool:
        ran = list(pool.map(launch, range(8)))
    assert [done.stderr for done in ran] == [""] * 8
    private, public = own_key(folder)
    derived = subprocess.run(
        ["ssh-keygen", "-y", "-f", private], text=True, capture_output=True, check=True
    ).stdout
    assert derived.split()[:2] == public.split()[:2]
    assert private.stat().st_mode & 0o077 == 0
    assert sorted(path.name for path in folder.iterdir()) == [
        "id_ed25519",
        "id_ed25519.pub",
        "lock",
    ]


@pytest.fixture
def guarded(lab, tmp_path):
    """A machine whose real guard wants to destroy it after half a second; its process
    is ended afterwards.
    """
    started = []

    def start(teardown: float) -> int:
        id = service(lab).create(1, label="afs-stages:m", onstart_cmd="", disk=10)
        config = {
            **CONFIG,
            "url": lab.url,
            "seconds": 0.5,
            "tick": 0.1,
            "teardown": teardown,
        }
        env = {
            **os.environ,
            "CONTAINER_ID": str(id),
            "CONTAINER_API_KEY": lab.machines[id].key,
        }
        command = [
            sys.executable,
            ROOT / "afs_stages/remote/box/guard.py",
            tmp_path,
            json.dumps(config),
        ]
        started.append(subprocess.Popen(command, env=env))
        return id

    yield start
    for process in started:
        process.kill()
        process.wait()


def until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.05)


def asked(lab: Lab, method: str, id: int) -> int:
    """How often the service was asked this about a machine."""
    return lab.requests.count((method, f"/api/v0/instances/{id}/"))


def test_a_guard_goes_on_destroying_for_its_allowance_before_it_stops_itself(
    lab, guarded
):
    """A stopped machine has no guard and its disk bills on,
    so the service may fail for a while.
    """
    lab.fault("DELETE", "/instances/", times=5)
    id = guarded(teardown=600)
    until(lambda: not lab.living())
    assert asked(lab, "DELETE", id) == 6
    assert asked(lab, "PUT", id) == 0


def test_a_guard_whose_destroy_never_gets_through_stops_its_machine_at_last(
    lab, guarded
):
    lab.fault("DELETE", "/instances/", times=10_000)
    id = guarded(teardown=1)
    until(lambda: lab.machines[id].intended == "stopped")
    assert asked(lab, "DELETE", id) >= 3, "more and more slowly"
