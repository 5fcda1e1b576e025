"""Claims as HTML: verdict and certainty on the line, studies one click away, the paper one more."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

from calcidiol.evidence.claims import Entry, Shown, show
from calcidiol.evidence.forest import forest_of_claim
from calcidiol.evidence.pool import note_text
from calcidiol.evidence.questions import page
from calcidiol.evidence.record import Study
from calcidiol.evidence.text import effect_line, number


def _source(study: Study) -> str:
    if study.doi:
        return f'<a href="https://doi.org/{escape(study.doi)}">doi:{escape(study.doi)}</a>'
    if study.pmid:
        return f'<a href="https://pubmed.ncbi.nlm.nih.gov/{escape(study.pmid)}/">PMID {escape(study.pmid)}</a>'
    return "no identifier"


def _studies(title: str, studies: tuple[Study, ...]) -> str:
    if not studies:
        return ""
    rows = []
    for study in sorted(studies, key=lambda s: s.kind):
        seen = f" Seen: {study.checked}." if study.checked else ""
        tag = study.tag + (" in part" if study.partly else "")
        rows.append(
            f"<li><b>{escape(study.study_id)}</b> ({study.kind}, {study.design}, tag {tag}): "
            f"{escape(study.outcome)}; {escape(effect_line(study))}. {escape(study.citation)}. {_source(study)}."
            f"{escape(seen)}</li>"
        )
    return f"<h4>{escape(title)}</h4><ul>{''.join(rows)}</ul>"


def _steps(entry: Entry) -> str:
    grade = entry.certainty
    rows = [f"<li>starts {grade.start} ({escape(grade.design)})</li>"]
    for step in grade.steps:
        how = "computed" if step.computed else "judged"
        rows.append(f"<li>{step.move:+d} {escape(step.domain)} ({how}): {escape(step.reason)}</li>")
    return f"<h4>Certainty, step by step</h4><ul>{''.join(rows)}</ul>"


def claim_html(shown: Shown) -> str:
    """One claim as a closed box with the id ``claim-C02``: what is inside it opens with a click or a link to it."""
    claim, grade = shown.entry.claim, shown.entry.certainty
    first = "" if claim.verdict == claim.first_verdict else f" (first reading: {claim.first_verdict})"
    parts = [
        f"<p>{escape(claim.summary)}</p>",
        f"<p>{escape(claim.second_reading)}</p>",
        _steps(shown.entry),
        _studies("For", shown.supporting),
        _studies("Against", shown.contradicting),
        _studies("Trials of treatment beside this prognosis", shown.trials_beside),
    ]
    if shown.distances:
        rows = "".join(
            f"<li>{escape(d.used.study_id)}: {escape(d.used.compound)} {number(d.used.low_nmol_l)} to "
            f"{number(d.used.high_nmol_l)} nmol/L; {escape(d.reached.setting)} {number(d.reached.low_nmol_l)} to "
            f"{number(d.reached.high_nmol_l)} nmol/L of {escape(d.reached.compound)}: up to {number(d.times_high)} "
            "times that</li>"
            for d in shown.distances
        )
        parts.append(f"<h4>Concentrations</h4><ul>{rows}</ul>")
    parts.append(f'<div class="map">{forest_of_claim(shown)}</div>')
    if shown.pooled is not None:
        notes = (*shown.pooled.notes, *shown.pooled.excluded)
        parts.append(f"<ul>{''.join(f'<li>{escape(note_text(n))}</li>' for n in notes)}</ul>")
    elif shown.no_pool:
        parts.append(f"<p>{escape(shown.no_pool)}</p>")
    head = f"{claim.claim_id} {escape(claim.claim)}: {claim.verdict}{first}, certainty {grade.level}"
    return f'<details><summary>{head}</summary><div id="claim-{claim.claim_id}">{"".join(parts)}</div></details>'


def claims_html(ids: Iterable[str], *, standalone: bool = False) -> str:
    """Claims as HTML boxes, for the end of a report or as a page of their own.

    Parameters
    ----------
    ids
        Ids of claims; each is drawn once, in the order given.
    standalone
        A whole page instead of a fragment.

    Raises
    ------
    UsageError
        For an unknown claim.
    """
    boxes = [claim_html(show(name)) for name in dict.fromkeys(ids)]
    title = "Claims and their studies"
    return page(title, [f"<h1>{title}</h1>", *boxes], "en") if standalone else "".join(boxes)
