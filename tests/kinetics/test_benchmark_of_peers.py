"""The benchmark compares speed only where answers agree, and leaves out only what does not install."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from benchmarks.environment import LOCK, reason, requirements
from benchmarks.peers import LeftOutError, Peer
from benchmarks.solver import AIMS, LADDER, beside, loosest

TRUTH = np.full((2, 3), 50.0)


def runs(factor: float, stuck: float = 0.0):
    """A peer whose error is its tolerance times a factor, and never less than where it is stuck."""
    return lambda rtols: [(TRUTH * (1 + max(factor * rtol, stuck)), rtol) for rtol in rtols]


def test_the_lock_is_read_package_by_package():
    found = requirements(LOCK.read_text(encoding="utf-8"))
    assert {"numbalsoda", "diffrax", "libroadrunner", "antimony"} <= {pin.split("==")[0] for pin in found}
    assert all("--hash=sha256:" in block and "==" in pin for pin, block in found.items())
    assert sum(block.count("--hash") for block in found.values()) == LOCK.read_text(encoding="utf-8").count("--hash")


def test_peers_run_on_the_numpy_and_numba_that_we_run_on():
    ours = requirements((LOCK.parent / "run.lock").read_text(encoding="utf-8"))
    theirs = requirements(LOCK.read_text(encoding="utf-8"))
    for name in ("numpy", "numba", "scipy"):
        assert [pin for pin in ours if pin.split("==")[0] == name] == [p for p in theirs if p.split("==")[0] == name]


def test_a_peer_gets_the_loosest_tolerance_that_is_enough():
    for aim, (rtol, off) in loosest(runs(0.5), TRUTH).items():
        assert off <= aim
        assert not [x for x in LADDER if rtol < x <= aim * 1.999]
    assert set(loosest(runs(0.5), TRUTH)) == set(AIMS)


def test_time_is_that_of_the_tolerance_found():
    for aim, at in beside(runs(0.5), runs(0.5), TRUTH, days=1.0).items():
        assert at.ns == pytest.approx(at.rtol * 1e9)
        assert at.error <= aim


def test_speed_of_other_answers_is_not_compared():
    with pytest.raises(LeftOutError, match="off DOP853"):
        loosest(runs(0.5, stuck=1e-4), TRUTH)
    with pytest.raises(LeftOutError, match="off DOP853"):
        loosest(lambda rtols: [(TRUTH * np.nan, 1.0) for _ in rtols], TRUTH)


def test_what_is_not_installed_is_left_out_with_a_reason(monkeypatch):
    with pytest.raises(LeftOutError, match="not installed"):
        Peer("nobody", "no_module_of_this_name", 1).program()
    monkeypatch.setattr("benchmarks.peers.shutil.which", lambda name: None)
    with pytest.raises(LeftOutError, match="R is not installed"):
        Peer("nobody", "nobody", 1, in_r=True).program()


def test_reason_names_the_compiler_that_is_missing(monkeypatch):
    monkeypatch.setattr("benchmarks.environment.shutil.which", lambda name: None if name == "gfortran" else f"/{name}")
    assert "gfortran is not there" in reason("numbalsoda==0.3.4", "ERROR: Failed to build")
    assert reason("diffrax==0.7.2", "looking\nERROR: No matching distribution") == "ERROR: No matching distribution"


def test_each_peer_has_its_script():
    from benchmarks.peers import HERE, NUMBALSODA, PEERS

    for peer in (NUMBALSODA, *PEERS):
        assert Path(HERE / ("peer_r.R" if peer.in_r else f"peer_{peer.name}.py")).is_file()
