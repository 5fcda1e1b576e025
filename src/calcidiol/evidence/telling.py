"""A claim as a report tells it: rows of text in one language, with links and a plot; HTML and PDF only lay them out."""

from __future__ import annotations

from dataclasses import dataclass

from calcidiol.evidence.claims import Distance, Shown, show
from calcidiol.evidence.forest import forest_of_claim
from calcidiol.evidence.pool import note_templates
from calcidiol.evidence.record import Step, Study
from calcidiol.evidence.select import Note
from calcidiol.evidence.text import effect_line, number
from calcidiol.evidence.translation import Tongue, tongue

__all__ = ["StudyLine", "Told", "tell", "tell_claims"]


@dataclass(frozen=True, slots=True)
class StudyLine:
    """One study: its id, what it is and found, its citation, and where to read it (`url` may be empty)."""

    id: str
    told: str
    citation: str
    source: str
    url: str
    seen: str


@dataclass(frozen=True, slots=True)
class Told:
    """One claim in the words of a language; `verdict` and `certainty` stand beside it everywhere."""

    id: str
    claim: str
    verdict: str
    verdict_text: str
    certainty: str
    summary: str
    reading: str
    steps_heading: str
    steps: tuple[str, ...]
    groups: tuple[tuple[str, tuple[StudyLine, ...]], ...]
    distances_heading: str
    distances: tuple[str, ...]
    plot: str
    plot_text: str
    notes: tuple[str, ...]


def tell_claims(ids: tuple[str, ...], lang: str = "en") -> tuple[Told, ...]:
    """Claims in a language, each once, in the order given.

    Raises
    ------
    UsageError
        For an unknown claim or language.

    Examples
    --------
    >>> tell_claims(("C02",))[0].verdict
    'contradicted'
    """
    speech = tongue(lang)
    return tuple(tell(show(name), speech) for name in dict.fromkeys(ids))


def tell(shown: Shown, t: Tongue) -> Told:
    """One claim with its certainty step by step, its studies by role, and its plot."""
    claim, grade = shown.entry.claim, shown.entry.certainty
    text_of = t.sections.get("claims", {})
    name = claim.claim_id
    verdict = t.word(claim.verdict)
    if claim.verdict != claim.first_verdict:
        verdict += t.say("first_reading", " (first reading: {verdict})", verdict=t.word(claim.first_verdict))
    steps = [t.say("starts", "starts {level} ({design})", level=t.word(grade.start), design=t.word(grade.design))]
    steps += [_step(step, name, t) for step in grade.steps]
    groups = (
        (t.say("for", "For"), shown.supporting),
        (t.say("against", "Against"), shown.contradicting),
        (t.say("beside", "Trials of treatment beside this prognosis"), shown.trials_beside),
    )
    pooled = () if shown.pooled is None else (*shown.pooled.notes, *shown.pooled.excluded)
    notes = [_note(note, t) for note in pooled] or ([shown.no_pool] if shown.no_pool else [])
    plot, described = forest_of_claim(shown, t), _described(shown, t)
    return Told(
        id=name,
        claim=text_of.get(f"{name}.claim", claim.claim),
        verdict=claim.verdict,
        verdict_text=verdict,
        certainty=t.say("certainty", "certainty {level}", level=t.word(grade.level)),
        summary=text_of.get(f"{name}.summary", claim.summary),
        reading=text_of.get(f"{name}.reading", claim.second_reading),
        steps_heading=t.say("steps", "Certainty, step by step"),
        steps=tuple(steps),
        groups=tuple((title, tuple(_study(s, t) for s in _sorted(studies))) for title, studies in groups if studies),
        distances_heading=t.say("concentrations", "Concentrations"),
        distances=tuple(_distance(d, t) for d in shown.distances),
        plot=plot,
        plot_text=described,
        notes=tuple(notes),
    )


def _sorted(studies: tuple[Study, ...]) -> list[Study]:
    return sorted(studies, key=lambda s: s.kind)


def _step(step: Step, claim_id: str, t: Tongue) -> str:
    if step.text_id:
        params = {k: t.word(v) if isinstance(v, str) else v for k, v in step.params.items()}
        reason = t.of("steps", step.text_id, step.reason)
        reason = reason.format(**params) if reason != step.reason else reason
    else:
        reason = t.of("judged", f"{claim_id}.{step.domain}", step.reason)
    how = t.say("computed", "computed") if step.computed else t.say("judged", "judged")
    move = f"{step.move:+d}" if step.move else "0"
    return t.say(
        "step", "{move} {domain} ({how}): {reason}", move=move, domain=t.word(step.domain), how=how, reason=reason
    )


def _study(study: Study, t: Tongue) -> StudyLine:
    if study.doi:
        source, url = f"doi:{study.doi}", f"https://doi.org/{study.doi}"
    elif study.pmid:
        source, url = f"PMID {study.pmid}", f"https://pubmed.ncbi.nlm.nih.gov/{study.pmid}/"
    else:
        source, url = t.say("no_identifier", "no identifier"), ""
    tag = study.tag + (t.say("in_part", " in part") if study.partly else "")
    told = t.say(
        "study",
        "{kind}, {design}, tag {tag}: {outcome}; {effect}",
        kind=t.word(study.kind),
        design=t.word(study.design),
        tag=tag,
        outcome=t.word(study.outcome),
        effect=effect_line(study, t),
    )
    seen = t.say("seen", "Seen: {where}.", where=study.checked) if study.checked else ""
    return StudyLine(study.study_id, told, study.citation, source, url, seen)


def _distance(d: Distance, t: Tongue) -> str:
    return t.say(
        "distance",
        "{study}: {compound} {low} to {high} nmol/L; {setting} {reached_low} to {reached_high} nmol/L of {reached}: up "
        "to {times} times that",
        study=d.used.study_id,
        compound=t.word(d.used.compound),
        low=number(d.used.low_nmol_l),
        high=number(d.used.high_nmol_l),
        setting=t.word(d.reached.setting),
        reached_low=number(d.reached.low_nmol_l),
        reached_high=number(d.reached.high_nmol_l),
        reached=t.word(d.reached.compound),
        times=number(d.times_high),
    )


def _note(note: Note, t: Tongue) -> str:
    template = t.of("notes", note.id, note_templates()[note.id])
    params = {k: t.word(v) if isinstance(v, str) else v for k, v in note.params.items()}
    return template.format(**params)


def _described(shown: Shown, t: Tongue) -> str:
    """What a plot shows, for those who cannot see it."""
    claim = shown.entry.claim
    count = len({*shown.supporting, *shown.contradicting, *shown.trials_beside})
    return t.say(
        "plot",
        "{id}: results with their 95 % intervals, of {count} linked studies those that have one; the same numbers "
        "stand in the list of studies.",
        id=claim.claim_id,
        count=count,
    )
