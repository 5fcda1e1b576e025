"""Published arms: group means of 25(OH)D after known doses, read from any table in the format of `data/arms.csv`.

A row is left out of the scoring only for a reason that stands in the row itself. How reported populations become
covariates, and which rows count less, is fixed in `docs/decisions/0008-arms.md`, before the first fit.
"""

from __future__ import annotations

import csv
import io
import math
import re
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

import numpy as np

from calcidiol.errors import KnowledgeError, UsageError
from calcidiol.kinetics.events import IM, ORAL, Schedule
from calcidiol.quantity import iu_to_nmol

NEEDED = (
    "study_id",
    "population",
    "baseline_25ohd_nmol_l",
    "route",
    "dose_iu",
    "interval_days",
    "n_doses",
    "schedule",
    "time_days",
    "mean_25ohd_nmol_l",
    "comment",
)
"""Columns without which a table cannot be scored; the others may be absent or empty."""

# Words of the population or comment column that stand for a covariate (decision 0008).
_OBESE = re.compile(r"\bobes", re.I)
_OVERWEIGHT = re.compile(r"\boverweight", re.I)
_LEAN = re.compile(r"normal[- ]weight|normal bmi|bmi 18-25|bmi <24", re.I)
_MALABSORPTION = re.compile(
    r"malabsor|bariatric|gastric bypass|short bowel|celiac|coeliac|pancreatic insuff|cystic fibrosis", re.I
)
_MILD_MALABSORPTION = re.compile(r"crohn|inflammatory bowel|colitis", re.I)
_ACUTE = re.compile(r"ventilat|critically ill|intensive.care|\bicu\b|acute illness|sepsis", re.I)
_INDUCER = re.compile(r"anti-tb drugs|rifamp|anticonvuls|antiepilep|phenytoin|carbamazepine", re.I)
_DIALYSIS = re.compile(r"h(a)?emodialysis|dialysis|end.stage", re.I)
_KIDNEY = re.compile(r"chronic kidney disease|\bckd\b", re.I)
_SOUTH_ASIA = re.compile(r"\bindia\b|pakistan|bangladesh|sri lanka|nepal|south asia", re.I)
_MEDIAN = re.compile(r"\bmedians?\b(?! (?:time|10))", re.I)
_GEOMETRIC = re.compile(r"geometric mean", re.I)
_DOUBTFUL = re.compile(
    r"down-weight|use with care|individually titrated|dose adapted|unit taken|assumed|cited in|observational|selected|"
    r"not all|number of injections|implausib|form not stated|form \(d3/d2\) not stated|extra .* not in dose",
    re.I,
)
_ERGOCALCIFEROL = re.compile(r"ergocalciferol|vitamin d2\b|\bD2\b(?!-loaded)", re.I)
_CHOLECALCIFEROL = re.compile(r"cholecalciferol|vitamin d3\b|\bD3\b", re.I)
_FORM_UNKNOWN = re.compile(r"form\b.{0,12} not stated", re.I)
_USA = re.compile(r"\busa\b|united states", re.I)
US_CAPSULE_IU, CAPSULE_EVERY_D = 50_000.0, 5.0
"""The prescription capsule of the USA, taken about weekly, is mostly ergocalciferol (the table: "often D2")."""


@dataclass(frozen=True, slots=True)
class Population:
    """What a row says of the people, as the covariates the model knows; None where it says nothing."""

    weight_kg: float | None
    bmi: float | None
    age_y: float | None
    cancer: bool
    malabsorption: int
    acute: bool
    inducer: bool
    egfr: float | None
    south_asia: bool = False
    """Where the study was done: not a covariate of a patient (decision 0010)."""
    presumed_d2: bool = False
    """Ergocalciferol, or the 50,000 IU capsule of the USA, which mostly is, where cholecalciferol is not named."""

    @property
    def ill(self) -> bool:
        """Cancer, acute illness or poor absorption: people nearer to those who are planned than volunteers are."""
        return self.cancer or self.acute or self.malabsorption > 0


@dataclass(frozen=True, slots=True)
class Observation:
    """One row of the table.

    `why_not` is empty when the row is scored. `doubtful` rows count less in the fit, never in the scoring. Levels are
    nmol/L; `n` is the number of people behind the level (None where not printed).
    """

    study_id: str
    line: int
    time_d: float
    observed: float | None
    sd: float | None
    n: float | None
    baseline: float | None
    baseline_sd: float | None
    route: str
    dose_iu: float | None
    every_days: float
    count: int
    steps: tuple[tuple[float, float], ...]
    population: Population
    median: bool
    doubtful: bool
    why_not: str

    @property
    def study(self) -> str:
        """Name of the study; its arms share it."""
        return self.study_id.split(":", 1)[0]

    @property
    def used(self) -> bool:
        """Whether the row is scored."""
        return not self.why_not

    @property
    def schedule(self) -> Schedule:
        """The doses, day 0 being the first."""
        into = IM if self.route == "im" else ORAL
        if self.steps:
            return Schedule.of((day, iu_to_nmol(iu, "cholecalciferol"), into) for day, iu in self.steps if iu > 0)
        if not self.dose_iu or not self.count:
            return Schedule.of(())
        amount = iu_to_nmol(self.dose_iu, "cholecalciferol")
        return Schedule.of((i * self.every_days, amount, into) for i in range(self.count))

    @property
    def daily_iu(self) -> float:
        """Mean dose in IU a day up to the sample; for single doses, the dose."""
        doses = self.steps or tuple((i * self.every_days, self.dose_iu or 0.0) for i in range(self.count))
        given = [iu for day, iu in doses if day < self.time_d]
        if len(given) <= 1:
            return sum(given)
        return sum(given) / max(self.time_d, 1.0)

    @property
    def kind(self) -> str:
        """Schedule class for the groups: single, daily, weekly or sparse."""
        if self.steps:
            gaps = np.diff([day for day, _ in self.steps])
            gap = float(np.median(gaps)) if gaps.size else 0.0
        else:
            gap = self.every_days if self.count > 1 else 0.0
        if gap == 0.0:
            return "single"
        return "daily" if gap <= 2 else "weekly" if gap <= 8 else "sparse"


def read_arms(source: str | Path | None = None) -> tuple[Observation, ...]:
    """Read a table of arms; the shipped one when `source` is None.

    Raises
    ------
    UsageError
        The file cannot be read, or a column is missing.
    KnowledgeError
        A cell cannot be read as a number; names file, line and column.

    Examples
    --------
    >>> sum(o.used for o in read_arms())
    105
    """
    if source is None:
        name = "arms.csv"
        text = resources.files("calcidiol.evaluate").joinpath("data/arms.csv").read_text(encoding="utf-8")
    else:
        name = str(source)
        try:
            text = Path(source).read_text(encoding="utf-8-sig")
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(f"Cannot read the table {name!r}: {error}. Give a CSV file in UTF-8.") from None
    table = csv.DictReader(io.StringIO(text))
    missing = [c for c in NEEDED if c not in (table.fieldnames or ())]
    if missing:
        raise UsageError(
            f"The table {name!r} has no column {', '.join(missing)}. It needs the columns of the shipped data/arms.csv."
        )
    rows = [(line, {k: (v or "").strip() for k, v in row.items() if k}) for line, row in enumerate(table, 2)]
    baselines = {
        row["study_id"]: row["mean_25ohd_nmol_l"]
        for _, row in reversed(rows)
        if row["time_days"] in ("0", "0.0") and row["mean_25ohd_nmol_l"]
    }
    return tuple(_observation(name, line, row, baselines) for line, row in rows)


def _observation(name: str, line: int, row: dict[str, str], baselines: dict[str, str]) -> Observation:
    def number(column: str, text: str | None = None) -> float | None:
        raw = row.get(column, "") if text is None else text
        if not raw:
            return None
        try:
            value = float(raw)
        except ValueError:
            value = math.nan
        if not math.isfinite(value):
            raise KnowledgeError(
                f"{name}, line {line}, column {column}: {raw!r} is not a number. Write it with a point."
            )
        return value

    time, observed = number("time_days"), number("mean_25ohd_nmol_l")
    baseline = number("baseline_25ohd_nmol_l") or number("mean_25ohd_nmol_l", baselines.get(row["study_id"], ""))
    dose, count = number("dose_iu"), int(number("n_doses") or 0)
    steps = _steps(name, line, row.get("schedule", ""))
    told = f"{row.get('population', '')}; {row.get('regimen_text', '')}; {row['comment']}"
    given = any(iu > 0 for _, iu in steps) or ((dose or 0) > 0 and count > 0)
    why_not = (
        "baseline row"
        if time is not None and time <= 0
        else "EXCLUDE stands in the comment"
        if "EXCLUDE" in row["comment"]
        else "no time"
        if time is None
        else "no level"
        if observed is None
        else "no dose"
        if not given
        else "no baseline"
        if not baseline
        else "route is neither oral nor im"
        if row["route"] not in ("oral", "im")
        else ""
    )
    return Observation(
        study_id=row["study_id"],
        line=line,
        time_d=time or 0.0,
        observed=observed,
        sd=number("sd_nmol_l"),
        n=number("n_obs") or number("n"),
        baseline=baseline,
        baseline_sd=number("baseline_sd"),
        route=row["route"],
        dose_iu=dose,
        every_days=number("interval_days") or 0.0,
        count=count,
        steps=steps,
        population=_population(row, number),
        median=bool(_MEDIAN.search(row["comment"])) or bool(_GEOMETRIC.search(row["comment"])),
        doubtful=bool(_DOUBTFUL.search(row["comment"])) or bool(_ERGOCALCIFEROL.search(told)),
        why_not=why_not,
    )


def _presumed_d2(row: dict[str, str], dose_iu: float | None, every_days: float | None) -> bool:
    told = f"{row.get('population', '')}; {row.get('regimen_text', '')}"
    if _ERGOCALCIFEROL.search(told):
        return True
    capsule = row["route"] == "oral" and dose_iu == US_CAPSULE_IU and (every_days or 0.0) >= CAPSULE_EVERY_D
    named = _CHOLECALCIFEROL.search(f"{told}; {row['comment']}") and not _FORM_UNKNOWN.search(row["comment"])
    return capsule and bool(_USA.search(row.get("country", ""))) and not named


def _steps(name: str, line: int, text: str) -> tuple[tuple[float, float], ...]:
    if not text:
        return ()
    try:
        pairs = [part.split(":") for part in text.split(";") if part.strip()]
        return tuple(sorted((float(day), float(iu)) for day, iu in pairs))
    except ValueError:
        raise KnowledgeError(
            f"{name}, line {line}, column schedule: {text[:40]!r} is not of the form day:IU;day:IU."
        ) from None


def _population(row: dict[str, str], number: object) -> Population:
    read = number
    assert callable(read)
    people = f"{row.get('population', '')}; {row['study_id']}"
    told = f"{people}; {row['comment']}"
    bmi = read("mean_bmi")
    if bmi is None:
        # Midpoints of the classes; "overweight or obese" falls to the border between the two (decision 0008).
        obese, over = bool(_OBESE.search(people)), bool(_OVERWEIGHT.search(people))
        bmi = 30.0 if obese and over else 33.0 if obese else 27.5 if over else 22.0 if _LEAN.search(people) else None
    return Population(
        weight_kg=read("mean_weight_kg"),
        bmi=bmi,
        age_y=read("mean_age"),
        cancer=row.get("cancer", "") == "y",
        malabsorption=2 if _MALABSORPTION.search(people) else 1 if _MILD_MALABSORPTION.search(people) else 0,
        acute=bool(_ACUTE.search(told)),
        inducer=bool(_INDUCER.search(told)),
        south_asia=bool(_SOUTH_ASIA.search(f"{row.get('country', '')}; {row.get('population', '')}")),
        presumed_d2=_presumed_d2(row, read("dose_iu"), read("interval_days")),
        egfr=10.0 if _DIALYSIS.search(people) else 45.0 if _KIDNEY.search(people) else None,
    )
