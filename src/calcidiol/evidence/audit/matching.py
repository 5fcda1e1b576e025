"""The verdict of a reference: exact, differs, composite or not_found.

Where the rules and thresholds come from, and what they reach: docs/decisions/0007-reference-audit.md.
"""

from __future__ import annotations

from dataclasses import dataclass

from calcidiol.evidence.audit.bibliography import Bibliography, first_page
from calcidiol.evidence.audit.compare import FIELDS, SUBTITLE, Comparison, Prepared, compare, prepare
from calcidiol.evidence.audit.records import Cited, Record, Reference
from calcidiol.evidence.audit.spelling import concat

__all__ = ["RULES", "Rules", "judge"]


@dataclass(frozen=True, slots=True)
class Rules:
    """Weights and thresholds (source: our tuning half, tag S).

    Parameters
    ----------
    weights
        What a field counts in the score, a share of the weights of the fields that were compared.
    found
        Least score at which an entry is taken for a paper with faults; below it is `not_found`.
    similar_title
        Least likeness of two titles, 0 to 1, that counts at all.
    near_title
        Least likeness at which a title with a fault in it points to a paper, with two more fields.
    candidates
        How many papers with the likest titles are compared.
    """

    weights: tuple[tuple[str, float], ...] = (
        ("title", 5.0),
        ("authors", 3.0),
        ("journal", 1.0),
        ("year", 1.0),
        ("volume", 1.0),
        ("issue", 0.25),
        ("pages", 2.0),
        ("doi", 4.0),
        ("pmid", 4.0),
    )
    found: float = 0.5
    similar_title: float = 0.6
    near_title: float = 0.85
    candidates: int = 12


RULES = Rules()
_PLACE = frozenset(("journal", "volume", "pages"))
_STRONG = frozenset(("title", "authors", "pages", "doi", "pmid"))


def judge(cited: Cited, library: Bibliography, rules: Rules = RULES) -> Reference:
    """The verdict of one cited reference against a bibliography (`number` is left empty)."""
    entry = prepare(cited)
    places = _candidates(entry, library, rules)
    compared = [compare(entry, library.records[i], library.journals) for i in places]
    # A title found in the entry tells its authors and numbers better than the first reading: look those up too.
    for one in [c for c in compared if "title" in c.same]:
        more = _by_place_and_name(one.names[:1], one.year, one.volume, one.pages, library)
        if "authors" in one.differ:
            more += [i for name in _surnames(one.names[:1]) for i in library.by_author.get(name, ())]
        fresh = [i for i in dict.fromkeys(more) if i not in places]
        places.extend(fresh)
        compared.extend(compare(entry, library.records[i], library.journals, one) for i in fresh)
    compared = _without_inner_titles(compared)
    compared.sort(key=lambda c: (-_score(c, rules), c.record.id))
    if not compared:
        return Reference(None, cited, "not_found")
    best = compared[0]
    if "title" in best.differ:
        # The whole title of one paper with the rest of another: the title says which paper was meant.
        owner_of_title = next((c for c in compared if "title" in c.same and _other_paper(c, [best])), None)
        if owner_of_title:
            compared.remove(owner_of_title)
            compared.insert(0, owner_of_title)
            best = owner_of_title
    score = _score(best, rules)
    if not best.differ and _enough(best):
        unchecked = tuple(f for f in FIELDS if f in best.unchecked)
        return Reference(None, cited, "exact", (), best.record, None, (), unchecked, score, notes=best.notes)
    other = _other_paper(best, compared[1:])
    mixed = other is not None and ("title" in best.same or _identified(best, rules))
    if not mixed and (
        not best.differ
        or not _identified(best, rules)
        or (score < rules.found and not best.same & {"title", "doi", "pmid"})
    ):
        return Reference(None, cited, "not_found", nearest=_nearest(entry, compared, library), score=score)
    differ = tuple(f for f in FIELDS if f in best.differ)
    unchecked = tuple(f for f in FIELDS if f in best.unchecked)
    if mixed:
        return Reference(None, cited, "composite", differ, best.record, other, (), unchecked, score, notes=best.notes)
    notes = list(best.notes)
    if {"journal", "year", "pages"} <= best.differ:
        notes.append("journal, year and pages all differ: this may be another paper of the same title")
    owner = library.by_doi.get(cited.doi) if "doi" in best.differ else None
    if owner is not None:
        notes.append(f"the DOI given is that of {library.records[owner].label()}")
    return Reference(None, cited, "differs", differ, best.record, None, (), unchecked, score, notes=tuple(notes))


def _without_inner_titles(compared: list[Comparison]) -> list[Comparison]:
    """Drop a paper whose title was found only as a part of the title of another paper that was found too."""
    titles = {concat(c.record.title) for c in compared if "title" in c.same and SUBTITLE not in c.notes}
    return [
        c
        for c in compared
        if "title" not in c.same or not any(concat(c.record.title) != t and concat(c.record.title) in t for t in titles)
    ]


def _nearest(entry: Prepared, compared: list[Comparison], library: Bibliography) -> tuple[Record, ...]:
    """The three papers that a person would look at first: alike in title, or of the same first author."""
    mine = {
        i
        for word in (entry.cited.authors[0].split() if entry.cited.authors else ())
        for i in library.by_author.get(concat(word), ())
    }
    by_name = {library.records[i].id for i in mine}
    seen = {c.record.id for c in compared}
    more = [
        compare(entry, library.records[i], library.journals) for i in sorted(mine) if library.records[i].id not in seen
    ]
    near = sorted(
        (*compared, *more),
        key=lambda c: (
            -c.similarity["title"] - 0.35 * (c.record.id in by_name) - 0.1 * ("year" in c.same),
            c.record.id,
        ),
    )
    return tuple(c.record for c in near[:3])


def _candidates(entry: Prepared, library: Bibliography, rules: Rules) -> list[int]:
    from rapidfuzz import fuzz, process

    cited = entry.cited
    found: dict[int, None] = {}
    for key, index in ((cited.doi, library.by_doi), (cited.pmid, library.by_pmid)):
        if key and key in index:
            found[index[key]] = None
    for i in _by_place_and_name(cited.authors[:1], cited.year, cited.volume, cited.pages, library):
        found[i] = None
    for text, scorer in ((entry.title_words, fuzz.ratio), (entry.words, fuzz.token_set_ratio)):
        if text:
            for _, _, i in process.extract(text, library.titles, scorer=scorer, limit=rules.candidates):
                found[i] = None
    return list(found)


def _by_place_and_name(
    authors: tuple[str, ...], year: str, volume: str, pages: str, library: Bibliography
) -> list[int]:
    """Papers at this volume and page, and papers of this first author and year."""
    found = list(library.by_place.get((volume.lower(), first_page(pages)), ())) if volume and pages else []
    return found + [i for name in _surnames(authors) for i in library.by_author_year.get((name, year), ())]


def _surnames(authors: tuple[str, ...]) -> list[str]:
    """What of the first author could be the surname, in comparison form."""
    words = authors[0].split() if authors else []
    return [concat(" ".join(words[a:b])) for a in range(len(words)) for b in range(a + 1, len(words) + 1)]


def _score(comparison: Comparison, rules: Rules) -> float:
    total = reached = 0.0
    for field, weight in rules.weights:
        if field not in comparison.same and field not in comparison.differ:
            continue
        total += weight
        likeness = comparison.similarity[field]
        if field == "title" and likeness < rules.similar_title:
            likeness = 0.0
        reached += weight * likeness
    return reached / total if total else 0.0


def _enough(comparison: Comparison) -> bool:
    """Whether the fields that agree are enough to say which paper this is."""
    same = comparison.same
    if "doi" in same or "pmid" in same:
        return True
    if "title" in same:
        return len(same) >= 2 or len(comparison.record.title.split()) >= 6
    return {"journal", "volume", "pages"} <= same and bool(same & {"authors", "year"})


def _identified(comparison: Comparison, rules: Rules) -> bool:
    """Whether an entry with faults is still recognizably this one paper."""
    same = comparison.same
    if "doi" in same or "pmid" in same:
        return True
    others = same & {"authors", "journal", "year", "volume", "pages"}
    if "title" in same:
        # A short title that agrees alone, against three other fields, is more likely that of another paper.
        against = comparison.differ & {"authors", "journal", "year", "volume", "pages"}
        return bool(others) or len(against) < 3 or len(comparison.record.title.split()) >= 6
    if comparison.similarity["title"] >= rules.near_title and len(others) >= 2 and others & _PLACE:
        # Companion papers share journal, year, volume and much of the title; authors or pages must speak for this one.
        return bool(others & {"authors", "pages"}) or not comparison.differ & {"authors", "pages"}
    if {"volume", "pages"} <= same and same & {"journal", "authors"}:
        return True
    return "authors" in same and len(same & {"journal", "year", "volume", "pages"}) >= 2


def _other_paper(best: Comparison, others: list[Comparison]) -> Record | None:
    """Another real paper that two or more of the differing fields together match."""
    ranked: list[tuple[int, int, Record]] = []
    for other in others:
        shared = best.differ & other.same
        if len(shared) < 2:
            continue
        if not shared & _STRONG and "journal" not in shared:
            continue  # in one journal, year and volume go together and say nothing about a second paper
        ranked.append((-len(shared), -len(other.same), other.record))
    if not ranked:
        return None
    return min(ranked, key=lambda r: (r[0], r[1], r[2].id))[2]
