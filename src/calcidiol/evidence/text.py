"""The ledger on a terminal: plain text, one screen wide."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable

from calcidiol.evidence.claims import Entry, Shown
from calcidiol.evidence.pool import Pool, note_text
from calcidiol.evidence.record import Study
from calcidiol.evidence.search import Hit
from calcidiol.evidence.sensitivity import leave_one_out, summary
from calcidiol.evidence.translation import ENGLISH, Tongue

WIDTH = 110


def _wrap(text: str, indent: str = "", first: str | None = None) -> str:
    return textwrap.fill(text, WIDTH, initial_indent=indent if first is None else first, subsequent_indent=indent)


def number(value: float | None) -> str:
    """A number in at most four digits; a dash for none."""
    if value is None:
        return "-"
    return f"{value:.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def text_claims(found: Iterable[Entry]) -> str:
    """The ledger as a list: id, verdict, certainty, numbers of studies for and against."""
    lines = []
    for entry in found:
        claim = entry.claim
        changed = "" if claim.verdict == claim.first_verdict else f" (first reading: {claim.first_verdict})"
        lines.append(
            f"{claim.claim_id}  {claim.document}  {claim.verdict}{changed} · certainty {entry.certainty.level}"
        )
        lines.append(_wrap(claim.claim, "     "))
        if claim.supporting:
            lines.append(_wrap("for: " + ", ".join(claim.supporting), "          ", "     "))
        if claim.contradicting:
            lines.append(_wrap("against: " + ", ".join(claim.contradicting), "          ", "     "))
    lines.append(f"{len(lines) and sum(line[0] == 'C' for line in lines if line)} claims")
    return "\n".join(lines)


def effect_line(study: Study, t: Tongue = ENGLISH) -> str:
    """The result of a study in one line."""
    if study.estimate is None:
        return study.risk_of_bias_note or t.say("no_effect", "no effect size")
    unit = f" {study.unit}" if study.unit else ""
    text = f"{t.word(study.measure) or t.say('value', 'value')} {number(study.estimate)}{unit}"
    if study.ci_low is not None and study.ci_high is not None:
        text += t.say("interval", " ({low} to {high})", low=number(study.ci_low), high=number(study.ci_high))
    elif study.ci_high is not None:
        text += t.say("one_sided", " (one-sided, up to {high})", high=number(study.ci_high))
    if study.events is not None and study.denominator:
        text += t.say("counts", ", {events} of {total}", events=study.events, total=study.denominator)
    return text + (f", P {study.p}" if study.p else "")


def _study_lines(title: str, studies: tuple[Study, ...]) -> list[str]:
    if not studies:
        return []
    lines = ["", title]
    for study in sorted(studies, key=lambda s: s.kind):
        tag = study.tag + (" in part" if study.partly else "")
        lines.append(
            _wrap(f"{study.study_id} [{study.kind}, {study.design}, tag {tag}] {study.outcome}", "      ", "  ")
        )
        lines.append(_wrap(effect_line(study), "      "))
        lines.append(_wrap(study.citation + (f" doi:{study.doi}" if study.doi else ""), "      "))
    return lines


def text_show(shown: Shown) -> str:
    """One claim with its studies and the steps of its certainty."""
    claim, grade = shown.entry.claim, shown.entry.certainty
    lines = [
        f"{claim.claim_id} ({claim.document}, {claim.kind})",
        _wrap(claim.claim, "  "),
        "",
        f"Verdict    {claim.verdict}"
        + ("" if claim.verdict == claim.first_verdict else f" (first reading: {claim.first_verdict})"),
        _wrap(claim.second_reading, "           "),
        f"Certainty  {grade.level}: starts {grade.start} ({grade.design})",
    ]
    for step in grade.steps:
        mark = "judged" if not step.computed else "computed"
        lines.append(_wrap(f"{step.move:+d} {step.domain} ({mark}): {step.reason}", "              ", "           "))
    lines += ["", _wrap("Evidence: " + claim.summary, "  ", "")]
    lines += _study_lines("For", shown.supporting)
    lines += _study_lines("Against", shown.contradicting)
    lines += _study_lines("Trials of treatment beside this prognosis", shown.trials_beside)
    if shown.distances:
        lines += ["", "Concentrations: what the experiments used, and what patients reach"]
        for d in shown.distances:
            lines.append(
                _wrap(
                    f"{d.used.study_id}: {d.used.compound} {number(d.used.low_nmol_l)} to {number(d.used.high_nmol_l)} "
                    f"nmol/L; {d.reached.setting} {number(d.reached.low_nmol_l)} to {number(d.reached.high_nmol_l)} "
                    f"nmol/L of {d.reached.compound}: {number(d.times_low)} to {number(d.times_high)} times that",
                    "      ",
                    "  ",
                )
            )
    if shown.pooled is not None:
        lines += ["", "Pool", text_pool(shown.pooled)]
    elif shown.no_pool:
        lines += ["", _wrap("No pool: " + shown.no_pool)]
    return "\n".join(lines)


def text_pool(pooled: Pool) -> str:
    """A pool as a table with its notes."""
    unit = f" {pooled.unit}" if pooled.unit else ""
    lines = [
        f"{pooled.group}: {pooled.title}",
        f"{pooled.measure}{unit}; {pooled.benefit}",
        "",
        f"{'study':34} {'estimate':>9}  {'95 % interval':>20}  {'weight':>7}  tag",
    ]
    for study in pooled.studies:
        interval = f"{number(study.ci_low)} to {number(study.ci_high)}"
        lines.append(
            f"{study.study_id[:34]:34} {number(study.estimate):>9}  {interval:>20}  {study.weight:>6.1f}%  {study.tag}"
        )
    interval = f"{number(pooled.ci_low)} to {number(pooled.ci_high)}"
    lines.append(f"{'mean, k = ' + str(pooled.k):34} {number(pooled.estimate):>9}  {interval:>20}")
    if pooled.pi_low is not None:
        interval = f"{number(pooled.pi_low)} to {number(pooled.pi_high)}"
        lines.append(f"{'a new study (prediction)':34} {'':>9}  {interval:>20}")
    p = "" if pooled.q_p is None else f" (p {pooled.q_p:.3f})"
    lines.append(
        f"{pooled.method}, {pooled.interval}; tau2 {number(pooled.tau2)}, I2 {pooled.i2:.0f} %, Q {number(pooled.q)}{p}"
    )
    if pooled.k > 2:
        outside = leave_one_out(pooled)
        low, high = min(outside, key=lambda x: x.estimate), max(outside, key=lambda x: x.estimate)
        lines.append(
            f"Leaving one study out moves the mean between {number(low.estimate)} (without {low.name}) and "
            f"{number(high.estimate)} (without {high.name})."
        )
    for split in summary(pooled)["subgroups"]:
        levels = "; ".join(
            f"{x['name']} {number(x['estimate'])} ({number(x['ci_low'])} to {number(x['ci_high'])}), k = {x['k']}"
            for x in split["levels"]
        )
        lines.append(_wrap(f"By {split['by']}: {levels}; difference p {split['p']:.2f}", "  ", ""))
    if pooled.notes or pooled.excluded:
        lines.append("")
    lines += [_wrap(note_text(note), "  ", "- ") for note in (*pooled.notes, *pooled.excluded)]
    return "\n".join(lines)


def text_search(hits: Iterable[Hit]) -> str:
    """Hits, best first."""
    lines = []
    for hit in hits:
        lines.append(_wrap(f"{hit.id} [{hit.kind}] {hit.text}", "    ", ""))
        lines.append(_wrap(hit.detail, "    "))
    return "\n".join(lines) if lines else "Nothing was found. Try other words, or: calcidiol evidence claims."
