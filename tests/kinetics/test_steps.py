"""What is special in the compiled solver: plan of steps, outputs inside a step, shared schedules, yearly cycle."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from test_solver import CARD, MIXED, people

from calcidiol.errors import UsageError
from calcidiol.kinetics import Schedule, load_card, solve
from calcidiol.kinetics.layout import ROW
from calcidiol.kinetics.steady import constant, periodic
from calcidiol.kinetics.steps import LEVELS, TOP, plan_all
from calcidiol.kinetics.streaming import stream
from calcidiol.kinetics.yearly import cycle

# As for two-route-2026 at 1e-3: longest, shortest, factor, pace after an injection; cap and growth by mouth, injected,
# of calcifediol; emptying of the depots and of D3; D3 at Km; nothing in the depots.
CONTROL = (12.0, 0.012, 0.69, 2.5, 0.33, 1.0, 1.2, 1.5, 0.22, 0.8, 4.56, 0.0154, 0.286, 93.0, 0.0, 0.0, 0.0)


def plan(schedule: Schedule, times: np.ndarray, stop: bool = False) -> tuple[np.ndarray, np.ndarray]:
    begin = min([times[0], *schedule.time_d[:1]])
    rows, bases, _ = plan_all(
        schedule.time_d, schedule.amount_nmol, schedule.into, np.array([0, len(schedule)]), np.asarray(times, float),
        begin, stop, CONTROL,
    )  # fmt: skip
    return rows, bases


def test_the_plan_meets_every_dose_and_the_end() -> None:
    times = np.array([0.2, 33.0, 90.25])
    rows, bases = plan(MIXED, times)
    ends = 0.2 + np.cumsum(rows[:, 0])
    for dose in MIXED.time_d:
        assert np.min(np.abs(ends - dose)) < 1e-8
    assert ends[-1] == pytest.approx(90.25)
    assert (np.diff(rows[:, 3]) >= 0).all()
    assert rows[-1, 3] == len(times)
    assert rows[-1, 4] == len(MIXED)
    lengths = bases[rows[1:, 1].astype(int)] * 2.0 ** (rows[1:, 2] - TOP)
    assert rows[1:, 0] == pytest.approx(lengths, abs=1e-8)
    assert rows[:, 2].max() < LEVELS


def test_steps_are_fine_after_a_dose_by_mouth_and_grow() -> None:
    rows, _ = plan(Schedule.of([(0.0, 3250.0, 0)]), np.array([0.0, 64.0]))
    assert rows[1, 0] <= 0.0625
    assert rows[1:, 0].max() == 8.0
    injected, _ = plan(Schedule.of([(0.0, 3250.0, 1)]), np.array([0.0, 64.0]))
    assert len(injected) < len(rows)


@pytest.mark.parametrize("seed", [21, 22])
def test_outputs_inside_a_step_are_as_good_as_at_its_end(seed: int) -> None:
    p = people(CARD, 32, seed=seed)
    for schedule in (Schedule.of((28.0 * k, 6500.0, 1) for k in range(4)), Schedule.of([(0.0, 19500.0, 0)])):
        times = np.arange(0.0, 110.0, 0.37)
        fast = solve(CARD, p, schedule, times, origin_doy=40.0)
        tight = solve(CARD, p, schedule, times, origin_doy=40.0, accuracy=1e-7)
        assert np.max(np.abs(fast.level / tight.level - 1)) < 1e-3
        # One output at a time is the same course.
        for i in (1, 50, 200):
            alone = solve(CARD, p, schedule, times[i : i + 1], origin_doy=40.0)
            assert alone.level[:, 0] == pytest.approx(fast.level[:, i], rel=1e-3)


def test_the_peak_between_outputs_is_found() -> None:
    p = people(CARD, 32, seed=23)
    bolus = Schedule.of([(0.0, 19500.0, 0), (40.0, 6500.0, 0)])
    fine = solve(CARD, p, bolus, np.arange(0.0, 90.0, 0.05), accuracy=1e-6)
    found = solve(CARD, p, bolus, [0.0, 90.0], peak_from=0.0)
    assert found.peak == pytest.approx(fine.level.max(axis=1), rel=1e-3)


def test_lanes_that_share_a_schedule_go_together() -> None:
    p = people(CARD, 9, seed=24)
    a, b = MIXED, Schedule.of([(1.0, 6500.0, 1)])
    given = [a, b, a, a, b, a, b, b, a]
    times = np.array([0.0, 30.0, 60.0])
    each = solve(CARD, p, given, times, pairing="each", want=("level", "state"))
    assert each.state is not None
    for i, schedule in enumerate(given):
        one = solve(CARD, p[i : i + 1], schedule, times, want=("level", "state"))
        begin = min(0.0, float(schedule.time_d[0]))
        assert begin == 0.0
        assert each.level[i] == pytest.approx(one.level[0], rel=1e-12)
        assert one.state is not None
        assert each.state.values[:, i] == pytest.approx(one.state.values[:, 0], rel=1e-12)


def test_many_different_gaps() -> None:
    # More gaps than coefficients are kept for: they are made where they are used, with the same answer.
    rng = np.random.default_rng(5)
    days = np.sort(rng.uniform(0.0, 200.0, 60))
    many = Schedule.of((d, 200.0, int(i)) for d, i in zip(days, rng.integers(0, 2, 60), strict=True))
    p = people(CARD, 70, seed=25)
    times = np.array([50.0, 150.0, 210.0])
    fast = solve(CARD, p, many, times)
    tight = solve(CARD, p, many, times, accuracy=1e-6)
    assert np.max(np.abs(fast.level / tight.level - 1)) < 1e-3


@pytest.mark.parametrize("card_id", ["two-route-2026", "huang-you-2021"])
def test_the_compiled_cycle_is_the_plain_one(card_id: str) -> None:
    p = people(load_card(card_id), 70, seed=26)
    p[:, ROW["season_amplitude"]] = 0.3
    c1, r0 = constant(p)
    fast = np.zeros((8, len(p)))
    cycle(np.ascontiguousarray(p.T), c1, r0, 33.0, fast)
    assert fast == pytest.approx(periodic(p, 33.0)[0], rel=1e-8)


def test_the_cycle_is_where_thirty_years_end() -> None:
    p = people(CARD, 4, seed=27)
    begin = solve(CARD, p, Schedule.of(()), [0.0], origin_doy=15.0, want=("state",)).state
    assert begin is not None
    # Ten percent off, thirty years on: the slow store has forgotten it.
    off = type(begin)(begin.values * 1.1, 0.0)
    end = 30 * 365.25
    later = solve(CARD, p, Schedule.of(()), [end], origin_doy=15.0, want=("state",), start=off, accuracy=1e-6).state
    assert later is not None
    assert later.values[4:] == pytest.approx(begin.values[4:], rel=1e-5)


def test_levels_go_where_the_caller_wants_them() -> None:
    p = people(CARD, 70, seed=28)
    times = np.arange(0.0, 60.0, 7.0)
    room = np.full((len(times), len(p)), np.nan)
    told = solve(CARD, p, MIXED, times, out=room)
    assert np.shares_memory(told.level, room)
    assert told.level == pytest.approx(solve(CARD, p, MIXED, times).level, rel=0)
    with pytest.raises(UsageError, match="contiguous"):
        solve(CARD, p, MIXED, times, out=room.T)


def test_block_after_block_is_the_same_as_all_at_once() -> None:
    p = people(CARD, 200, seed=29)
    times = np.arange(0.0, 60.0, 7.0)
    whole = solve(CARD, p, MIXED, times).level
    parts = np.full_like(whole, np.nan)
    for rows, told in stream(CARD, p, MIXED, times, block=64):
        parts[rows] = told.level
    assert parts == pytest.approx(whole, rel=1e-12)


@pytest.mark.parametrize("accuracy", [1e-2, 1e-3, 1e-4, 1e-5, 1e-6])
def test_every_accuracy_holds_right_after_small_and_large_doses(accuracy: float) -> None:
    # Doses of 500 to 600,000 IU, outputs from minutes after them on; the tightest setting is the measure.
    p = people(CARD, 64, seed=30)
    for into in (0, 1):
        for nmol in (32.5, 400.0, 6500.0, 39000.0):
            doses = Schedule.of([(0.3, nmol, into), (9.0, nmol, into)])
            after = np.geomspace(0.01, 8.0, 25)
            times = np.concatenate((0.3 + after, 9.0 + after, [30.0, 60.0]))
            told = solve(CARD, p, doses, times, origin_doy=40.0, accuracy=accuracy).level
            tight = solve(CARD, p, doses, times, origin_doy=40.0, accuracy=1e-7).level
            assert np.max(np.abs(told / tight - 1)) < accuracy


@pytest.mark.parametrize("card_id", ["two-route-fitted-2026", "huang-you-2021"])
@pytest.mark.parametrize("accuracy", [1e-2, 1e-3, 2.5e-4])
def test_single_precision_holds_its_accuracy_after_the_shortest_steps_too(card_id: str, accuracy: float) -> None:
    card = load_card(card_id)
    p = people(card, 24, seed=27)
    # Doses a ten-thousandth of a day apart: after so short a step a difference in single precision has no digit left.
    close = [
        (0.0, 19500.0, 0),
        (1e-4, 650.0, 0),
        (3.0, 650.0, 1),
        (3.0001, 65.0, 0),
        (40.0, 25.0, 2),
        (40.00013, 9.0, 0),
    ]
    times = np.array([0.001, 0.1, 2.0, 3.1, 9.0, 40.5, 90.0])
    for doses in (Schedule.of(close), Schedule.of([(0.0, 6.5, 0)]), MIXED):
        at = times if doses is not MIXED else times + 1.0
        tight = solve(card, p, doses, at, origin_doy=40.0, accuracy=1e-7).level
        fast = solve(card, p, doses, at, origin_doy=40.0, accuracy=accuracy, single=True)
        assert not fast.status.any()
        assert np.max(np.abs(fast.level / tight - 1)) < accuracy
        # What single precision itself adds is far less, and there is some (or it was not asked for).
        double = solve(card, p, doses, at, origin_doy=40.0, accuracy=accuracy).level
        assert 1e-9 < np.max(np.abs(fast.level / double - 1)) < 1e-4


def test_single_precision_does_not_depend_on_company() -> None:
    p = people(CARD, 75, seed=28)
    all_at_once = solve(CARD, p, MIXED, [50.0, 90.0], single=True).level
    for i in (0, 15, 16, 63, 64, 74):
        alone = solve(CARD, p[i : i + 1], MIXED, [50.0, 90.0], single=True).level
        assert alone[0] == pytest.approx(all_at_once[i], rel=2e-6)


def test_single_precision_is_refused_where_it_cannot_reach() -> None:
    with pytest.raises(UsageError, match="single precision"):
        solve(CARD, people(CARD, 1, seed=1), MIXED, [50.0], accuracy=1e-4, single=True)


def test_single_precision_finds_a_lane_that_fails() -> None:
    p = people(CARD, 3, seed=29)
    p[1, ROW["v1"]] = -1.0
    told = solve(CARD, p, MIXED, [50.0], single=True)
    assert list(told.status != 0) == [False, True, False]
    assert np.isnan(told.level[1]).all()


def test_a_read_only_install_finds_another_cache(tmp_path: Path) -> None:
    # Where the package's own folder cannot be written, the cache goes to the user's cache folder.
    code = (
        "import os, tempfile, calcidiol.kinetics.solving as s\n"
        "real = tempfile.NamedTemporaryFile\n"
        "def refuse(*a, **k):\n"
        "    if 'kinetics' in str(k.get('dir')): raise OSError('read-only')\n"
        "    return real(*a, **k)\n"
        "s.tempfile.NamedTemporaryFile = refuse\n"
        "s._writable_cache()\n"
        "print(os.environ['NUMBA_CACHE_DIR'])\n"
    )
    env = {k: v for k, v in os.environ.items() if k != "NUMBA_CACHE_DIR"} | {"XDG_CACHE_HOME": str(tmp_path)}
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=env, check=True).stdout
    assert said.strip() == str(tmp_path / "calcidiol")


def test_numba_is_not_loaded_by_importing_the_room() -> None:
    code = "import sys, calcidiol.kinetics; print('numba' in sys.modules)"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert said.strip() == "False"
