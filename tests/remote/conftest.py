"""The emulated service stands beside the tests that use it."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture
def lab(tmp_path, monkeypatch):
    """The emulated service on simulated time, with eight machines on offer."""
    from lab import KEY, offer
    from simulated import SimLab

    monkeypatch.setenv("VAST_API_KEY", KEY)
    made = SimLab(tmp_path / "boxes", [offer(n, 0.3 + n / 100) for n in range(1, 9)])
    yield made
    made.close()
