"""Claims as HTML: verdict and certainty on the line, studies one click away, the paper one more."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

from calcidiol.evidence.questions import page
from calcidiol.evidence.telling import StudyLine, Told, tell_claims
from calcidiol.evidence.translation import tongue


def claim_html(told: Told) -> str:
    """One claim as a closed box with the id ``claim-C02``: what is inside it opens with a click or a link to it."""
    parts = [f"<p>{escape(told.summary)}</p>", f"<p>{escape(told.reading)}</p>"]
    parts.append(f"<h4>{escape(told.steps_heading)}</h4>{_list(told.steps)}")
    for title, studies in told.groups:
        rows = "".join(f"<li>{_study(study)}</li>" for study in studies)
        parts.append(f"<h4>{escape(title)}</h4><ul>{rows}</ul>")
    if told.distances:
        parts.append(f"<h4>{escape(told.distances_heading)}</h4>{_list(told.distances)}")
    parts.append(f'<div class="map">{told.plot}</div>')
    if told.notes:
        parts.append(_list(told.notes))
    head = f"{told.id} {told.claim}: {told.verdict_text}, {told.certainty}"
    inside = f'<div id="claim-{told.id}">{"".join(parts)}</div>'
    return f"<details><summary>{escape(head)}</summary>{inside}</details>"


def _list(lines: Iterable[str]) -> str:
    return f"<ul>{''.join(f'<li>{escape(line)}</li>' for line in lines)}</ul>"


def _study(study: StudyLine) -> str:
    source = escape(study.source)
    if study.url:
        source = f'<a href="{escape(study.url)}">{source}</a>'
    seen = f" {escape(study.seen)}" if study.seen else ""
    return f"<b>{escape(study.id)}</b> {escape(study.told)}. {escape(study.citation)}. {source}.{seen}"


def claims_html(ids: Iterable[str], *, lang: str = "en", standalone: bool = False) -> str:
    """Claims as HTML boxes, for the end of a report or as a page of their own.

    Parameters
    ----------
    ids
        Ids of claims; each is drawn once, in the order given.
    lang
        ``"en"`` or ``"zh-Hant"``.
    standalone
        A whole page instead of a fragment.

    Raises
    ------
    UsageError
        For an unknown claim or language.
    """
    boxes = [claim_html(told) for told in tell_claims(tuple(ids), lang)]
    title = tongue(lang).say("title", "Claims and their studies")
    return page(title, [f"<h1>{escape(title)}</h1>", *boxes], lang) if standalone else "".join(boxes)
