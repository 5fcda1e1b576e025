"""The gate: checks one regimen against the record, on its own, from the start.

It computes everything anew from the record, whatever `limits` or the search said before, and can only refuse or lower.
To lower means: no other route than the regimen has, no larger single dose, no larger total, no higher forecast peak.
Doses are taken away or made smaller, never moved, never put on another route; what is left is checked again until
nothing is found, so that the gate's answer passes the gate unchanged.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta

from calcidiol.errors import UsageError
from calcidiol.kinetics.events import DoseRun, Regimen
from calcidiol.patient.record import Patient
from calcidiol.quantity import iu_to_nmol, ug_to_nmol
from calcidiol.safety import exposure
from calcidiol.safety.allowed import hard, judge, permissions
from calcidiol.safety.checkpoint import SLACK, QuarterTotal
from calcidiol.safety.facts import Facts
from calcidiol.safety.rulebook import Knowledge
from calcidiol.safety.rulebook import knowledge as shipped
from calcidiol.safety.verdict import Fired, Limits, Verdict
from calcidiol.terminology.product import Product

Peak = Callable[[Regimen], float]
"""Highest forecast 25(OH)D of a regimen, nmol/L."""


@dataclass(frozen=True, slots=True)
class _Dose:
    """One dose of a regimen: which run, which of its doses, when, how much."""

    run: int
    at: int
    product: str
    day: date
    iu: float
    depot: bool


def gate(
    patient: Patient,
    regimen: Regimen,
    on: date,
    products: Mapping[str, Product],
    knowledge: Knowledge | None = None,
    *,
    peak: Peak | None = None,
    checks: Iterable[date] = (),
) -> Verdict:
    """Check a regimen for a patient; allow it, lower it or refuse it.

    Parameters
    ----------
    patient, on, products, knowledge
        As for `limits`.
    regimen
        What is meant to be given. A regimen without doses asks for nothing: it is refused only where the record is.
    peak
        Highest forecast level of a regimen, nmol/L; when given, no answer lies above the patient's ceiling (unless
        untreated does) and no lowered regimen peaks higher than what was asked.
    checks
        Days on which a 25(OH)D is planned. A dose that passes 300,000 IU in 90 days is taken away unless one of them
        stands between (see `checkpoints`); each that a dose depends on is told as HL09. Days before `on` do not count;
        without `checks` none is assumed.

    Raises
    ------
    UsageError
        When a dose stands before `on`.

    Returns
    -------
    Verdict
        ``"refused"``: nothing of the regimen may be given. ``"reduced"``: `regimen` is lower than asked, or a rule took
        a route or product away or prefers another. ``"allowed"``: as asked, perhaps with warnings.

    Examples
    --------
    >>> from datetime import date
    >>> from calcidiol.terminology import products
    >>> gate(Patient("nobody"), Regimen("none"), date(2026, 11, 24), products()).status
    'refused'
    """
    early = min((run.start for run in regimen.runs), default=on)
    if early < on:
        raise UsageError(
            f"The regimen {regimen.name!r} starts on {early}, before the day of the plan ({on}). Doses already given "
            "belong into the record; start the regimen on that day or later."
        )
    known = knowledge or shipped()
    judged = judge(patient, on, products, known)
    allowed = judged.limits
    rules = list(allowed.fired)
    if allowed.refused:
        return Verdict("refused", tuple(rules), None)
    check = _Check(allowed, judged.facts, products, known, tuple(checks))
    lowered, found = check.lower(regimen)
    rules.extend(found)
    if peak is not None and lowered.runs:
        lowered, above = _under_ceiling(lowered, regimen, allowed.ceiling_nmol_per_l, peak, known)
        rules.extend(above)
    if regimen.runs and not lowered.runs:
        return Verdict("refused", tuple(rules), None)
    takes_away = any(r.action != "WARN" for r in rules)
    return Verdict("reduced" if takes_away or lowered != regimen else "allowed", tuple(rules), lowered)


@dataclass(frozen=True, slots=True)
class _Check:
    limits: Limits
    facts: Facts
    products: Mapping[str, Product]
    known: Knowledge
    checks: tuple[date, ...]

    def lower(self, regimen: Regimen) -> tuple[Regimen, list[Fired]]:
        """The regimen inside all limits, and the hard limits that it met."""
        found: list[Fired] = []
        runs = tuple(r for run in regimen.runs if (r := self._run(run, found)) is not None)
        doses = self._doses(runs)
        keep = self._sequence(doses, found)
        if all(keep) and runs == regimen.runs:
            return regimen, found
        return replace(regimen, runs=_rebuild(runs, doses, keep)), found

    def _run(self, run: DoseRun, found: list[Fired]) -> DoseRun | None:
        """One run with an allowed route, product, interval and single dose; None when nothing of it may be given."""
        if run.route not in self.limits.routes or run.count < 1 or not run.amount > 0.0 or not run.every_days >= 0.0:
            return None
        product = self.products.get(run.product)
        if product is None or not _consistent(run, product):
            found.append(
                hard(self.known, "HL01", product=run.product or "-", amount=run.amount, unit=run.unit, limit=0)
            )
            return None
        if run.product not in self.limits.products:
            return None
        if self.limits.daily_only and run.route == "oral" and (run.count == 1 or run.every_days > 1.0):
            return None
        most = self._most(product)
        counted = exposure.counted_iu(run.iu, run.amount_nmol, run.substance)
        if counted > self.known.numbers["largest_single_iu"] * (1 + SLACK):
            limit = self.known.numbers["largest_single_iu"]
            found.append(hard(self.known, "HL02", iu=counted, limit=limit, product=product.name))
        if not product.gives(run.amount):
            found.append(
                hard(
                    self.known, "HL01", product=product.name, amount=run.amount, unit=run.unit,
                    limit=product.max_single_amount,
                )
            )  # fmt: skip
        elif run.amount <= most * (1 + SLACK):
            return run
        amount = _largest_possible(product, min(most, run.amount))
        return None if amount is None else _scaled(run, amount, product)

    def _most(self, product: Product) -> float:
        """Largest single dose of a product for this patient, in its unit."""
        most = min(self.limits.largest_single_iu, self.known.numbers["largest_single_iu"])
        if product.strength_unit != "[iU]":
            most /= exposure.IU_PER_UG_CALCIFEDIOL
        return min(most, product.max_single_amount)

    def _doses(self, runs: tuple[DoseRun, ...]) -> list[_Dose]:
        doses = [
            _Dose(
                run=i,
                at=k,
                product=run.product,
                day=run.start + timedelta(days=int(run.every_days * k + 1e-9)),
                iu=exposure.counted_iu(run.iu, run.amount_nmol, run.substance),
                depot=run.route != "oral",
            )
            for i, run in enumerate(runs)
            for k in range(run.count)
        ]
        return sorted(doses, key=lambda d: (d.day, d.run, d.at))

    def _sequence(self, doses: list[_Dose], found: list[Fired]) -> list[bool]:
        """Which doses stay, one after the other: waits after injections, totals of 90 days and of 12 months."""
        numbers = self.known.numbers
        injected = self.facts.injected
        blocked = exposure.free_from(injected, numbers["wait_days"], numbers["wait_per_iu"]) or date.min
        day_injected = exposure.injections_by_day(injected)
        quarter = QuarterTotal(self.facts, self.checks)
        year = _Window(exposure.YEAR_D, self.facts.given)
        unchecked = QuarterTotal(self.facts) if self.checks else None
        keep: list[bool] = []
        met: dict[str, Fired] = {}
        last: dict[str, date] = {}
        for dose in doses:
            reason = self._too_soon(dose, last) or self._reason(dose, blocked, quarter, year)
            keep.append(reason is None)
            if reason is not None:
                met.setdefault(reason.id, reason)
                continue
            last[dose.product] = dose.day
            one = exposure.Intake(dose.day, dose.iu, dose.depot)
            quarter.add(one)
            if unchecked is not None:
                if (waits := self._waits(dose, unchecked)) is not None:
                    met.setdefault(f"{waits.id} {waits.params['check']}", waits)
                unchecked.add(one)
            year.add(dose.day, dose.iu)
            if dose.depot:
                day_injected[dose.day] = day_injected.get(dose.day, 0.0) + dose.iu
                wait = exposure.wait_days(day_injected[dose.day], numbers["wait_days"], numbers["wait_per_iu"])
                blocked = max(blocked, dose.day + timedelta(days=wait))
        routes = self.limits.routes
        beside = (*self.limits.fired, *found)
        found.extend(permissions(tuple(met.values()), self.facts, self.known.permitted, routes, beside))
        return keep

    def _too_soon(self, dose: _Dose, last: Mapping[str, date]) -> Fired | None:
        """HL08 when the product needs longer since its dose before."""
        before = last.get(dose.product)
        product = self.products[dose.product]
        if before is None or (dose.day - before).days >= math.floor(product.min_days):
            return None
        when = dose.day.isoformat()
        return hard(self.known, "HL08", product=product.name, days=product.min_days, when=when)

    def _waits(self, dose: _Dose, unchecked: QuarterTotal) -> Fired | None:
        """HL09 when a dose is allowed only because a 25(OH)D is planned before it."""
        iu = unchecked.at(dose.day) + dose.iu
        if iu <= self.known.numbers["largest_90d_iu"] * (1 + SLACK):
            return None
        check = max(day for day in self.checks if day < dose.day)
        limit = self.known.numbers["largest_90d_iu"]
        return hard(self.known, "HL09", iu=iu, limit=limit, when=dose.day.isoformat(), check=check.isoformat())

    def _reason(self, dose: _Dose, blocked: date, quarter: QuarterTotal, year: _Window) -> Fired | None:
        """The hard limit that this dose would break, given the doses kept before it."""
        numbers = self.known.numbers
        if dose.depot and dose.day < blocked:
            return hard(self.known, "HL04", when=dose.day.isoformat(), earliest=blocked.isoformat(), iu=dose.iu)
        in_quarter = quarter.at(dose.day) + dose.iu
        if in_quarter > numbers["largest_90d_iu"] * (1 + SLACK):
            return hard(self.known, "HL06", iu=in_quarter, limit=numbers["largest_90d_iu"], when=dose.day.isoformat())
        in_year = year.total(dose.day) + dose.iu
        if in_year > numbers["largest_365d_iu"] * (1 + SLACK):
            return hard(self.known, "HL03", iu=in_year, limit=numbers["largest_365d_iu"], when=dose.day.isoformat())
        return None


class _Window:
    """Running total of a window of days; days are asked for and added in order."""

    def __init__(self, days: int, given: list[exposure.Intake]) -> None:
        self._days = days
        self._items = [(x.day, x.iu) for x in given]
        self._first = 0
        self._sum = sum(iu for _, iu in self._items)

    def add(self, day: date, iu: float) -> None:
        self._items.append((day, iu))
        self._sum += iu

    def total(self, day: date) -> float:
        """IU in the window that ends on `day`."""
        first = day - timedelta(days=self._days - 1)
        while self._first < len(self._items) and self._items[self._first][0] < first:
            self._sum -= self._items[self._first][1]
            self._first += 1
        return self._sum


def _consistent(run: DoseRun, product: Product) -> bool:
    """Whether route, substance, unit, IU and nmol of a run say the same dose of the same product."""
    if (product.route, product.substance, product.strength_unit) != (run.route, run.substance, run.unit):
        return False
    if run.unit == "[iU]":
        nmol = iu_to_nmol(run.amount, run.substance)
        return run.iu is not None and _close(run.iu, run.amount) and _close(run.amount_nmol, nmol)
    return run.iu is None and _close(run.amount_nmol, ug_to_nmol(run.amount, run.substance))


def _close(a: float, b: float) -> bool:
    return abs(a - b) <= 1e-3 * abs(b)


def _largest_possible(product: Product, most: float) -> float | None:
    """Largest amount of a product not above `most`."""
    steps = int(most / product.smallest_amount * (1 + 1e-9))
    amount = steps * product.smallest_amount
    return amount if product.gives(amount) else None


def _scaled(run: DoseRun, amount: float, product: Product) -> DoseRun:
    share = amount / run.amount
    return replace(
        run,
        amount=amount,
        iu=None if run.iu is None else run.iu * share,
        amount_nmol=run.amount_nmol * share,
        volume_ml=product.volume(amount),
    )


def _rebuild(runs: tuple[DoseRun, ...], doses: list[_Dose], keep: list[bool]) -> tuple[DoseRun, ...]:
    """Runs with only the doses that stay; a gap splits a run."""
    stay: dict[int, list[int]] = {}
    for dose, kept in zip(doses, keep, strict=True):
        if kept:
            stay.setdefault(dose.run, []).append(dose.at)
    made: list[DoseRun] = []
    for i, run in enumerate(runs):
        at = sorted(stay.get(i, []))
        begin = 0
        for k in range(1, len(at) + 1):
            if k == len(at) or at[k] != at[k - 1] + 1:
                made.append(_part(run, at[begin], k - begin))
                begin = k
    return tuple(made)


def _part(run: DoseRun, first: int, count: int) -> DoseRun:
    if first == 0 and count == run.count:
        return run
    start = run.start + timedelta(days=int(run.every_days * first + 1e-9))
    return replace(run, start=start, count=count, every_days=run.every_days)


def _under_ceiling(
    regimen: Regimen, asked: Regimen, ceiling: float, peak: Peak, known: Knowledge
) -> tuple[Regimen, list[Fired]]:
    """Take doses away from the end until the forecast stays below the ceiling and below what was asked."""
    untreated = peak(replace(regimen, runs=()))
    limit = max(ceiling, untreated)
    if regimen != asked:
        limit = min(limit, max(peak(asked), untreated))
    highest = peak(regimen)
    if highest <= limit * (1 + SLACK):
        return regimen, []
    low, high = 0, sum(run.count for run in regimen.runs)
    while high - low > 1:
        middle = (low + high) // 2
        if peak(_first(regimen, middle)) <= limit * (1 + SLACK):
            low = middle
        else:
            high = middle
    return _first(regimen, low), [hard(known, "HL07", value=round(highest, 1), unit="nmol/L", limit=ceiling)]


def _first(regimen: Regimen, count: int) -> Regimen:
    """The first `count` doses in order of time."""
    days = sorted(
        (run.start + timedelta(days=int(run.every_days * k + 1e-9)), i)
        for i, run in enumerate(regimen.runs)
        for k in range(run.count)
    )[:count]
    left = [sum(1 for _, i in days if i == j) for j in range(len(regimen.runs))]
    runs = tuple(replace(run, count=n) for run, n in zip(regimen.runs, left, strict=True) if n)
    return replace(regimen, runs=runs)
