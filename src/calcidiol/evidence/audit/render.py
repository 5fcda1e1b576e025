"""An audit as plain text and as a page of its own."""

from __future__ import annotations

from html import escape
from typing import Any

from calcidiol.evidence.audit.records import Audit, Record, Reference

__all__ = ["render_html", "render_text"]

WORDS = {
    "exact": "exact",
    "differs": "differs from the real paper",
    "composite": "mixes two real papers",
    "not_found": "not found here",
    "missing": "cited in the text, not in the list",
}
NAMES = {"doi": "DOI", "pmid": "PMID"}
LIMITS = (
    '"Not found here" means: not in the {size} papers looked at{where}. It does not mean that there is no such paper. '
    "Only fields that the reference gives were compared."
)


def _limits(audit: Audit) -> str:
    where = (
        " (embedded bibliography and online sources)" if audit.online else " (embedded bibliography; no network used)"
    )
    return LIMITS.format(size=audit.bibliography_size, where=where)


def _fields(reference: Reference) -> str:
    return ", ".join(NAMES.get(f, f) for f in reference.fields_that_differ)


def _full(record: Record) -> str:
    authors = ", ".join(str(a) for a in record.authors[:3]) + (
        " et al" if len(record.authors) > 3 or not record.complete else ""
    )
    place = f"{record.year};{record.volume}:{record.pages}" if record.volume else record.year
    ids = " ".join(
        p for p in (f"doi:{record.doi}" if record.doi else "", f"PMID {record.pmid}" if record.pmid else "") if p
    )
    return f"{authors}. {record.title.rstrip('.')}. {record.journal} {place}. {ids}".strip()


def _lines(reference: Reference) -> list[tuple[str, str]]:
    """What there is to say about a reference, as (heading, text)."""
    said: list[tuple[str, str]] = []
    if reference.status == "differs":
        said.append(("differs in", _fields(reference)))
    if reference.status == "composite" and reference.also_matched and reference.matched:
        said.append(("differs from the first in", _fields(reference)))
    if reference.matched:
        said.append(("real paper", _full(reference.matched)))
    if reference.also_matched:
        said.append(("those fields are of", _full(reference.also_matched)))
    for flag in (*(reference.matched.flags if reference.matched else ()),):
        said.append(("WARNING", flag))
    if reference.matched and reference.matched.tag != "V":
        said.append(("record", f"not fully seen in a source (tag {reference.matched.tag})"))
    if reference.not_checked:
        said.append(("could not be checked", ", ".join(NAMES.get(f, f) for f in reference.not_checked)))
    said.extend(("nearest", _full(record)) for record in reference.nearest)
    said.extend(("note", note) for note in reference.notes)
    return said


def _denied(proposal: dict[str, Any]) -> str:
    return f" - {proposal['note']}" if proposal["denied"] else ""


def render_text(audit: Audit) -> str:
    """The audit for a terminal.

    >>> from calcidiol.evidence.audit import audit
    >>> audited = audit("References\\n1. doi:10.1038/nrc3691\\n2. doi:10.1001/jama.2017.2115\\n")
    >>> print(render_text(audited).splitlines()[0])
    text: 2 references (2 exact)
    """
    counts = ", ".join(f"{n} {status.replace('_', ' ')}" for status, n in audit.counts().items() if n)
    lines = [f"{audit.document}: {len(audit.references)} references ({counts or 'none'})", ""]
    for reference in audit.references:
        number = f"[{reference.number}]" if reference.number is not None else "[-]"
        lines.append(f"{number} {WORDS[reference.status].upper()}: {reference.cited.text}")
        lines.extend(f"      {heading}: {text}" for heading, text in _lines(reference))
    if audit.uncited:
        lines += ["", f"In the list, but not found in the text: {', '.join(str(n) for n in audit.uncited)}"]
    if audit.claims:
        lines += [
            "",
            f"Claims of the ledger that {len(audit.claims)} sentences may be making (for a person to confirm):",
        ]
        for match in audit.claims:
            lines.append(f'  "{match.sentence}"')
            lines.extend(
                f"      {p['claim_id']} ({p['verdict']}, likeness {p['likeness']}): {p['claim']}{_denied(p)}"
                for p in match.proposals
            )
    if audit.unmatched_sentences:
        lines += ["", "Sentences on the subject without a near claim in the ledger:"]
        lines.extend(f'  "{sentence}"' for sentence in audit.unmatched_sentences)
    lines += ["", _limits(audit), *(f"Note: {note}" for note in audit.notes)]
    return "\n".join(lines)


_STYLE = """
:root { color-scheme: light dark; --ink: #1a1a1a; --paper: #ffffff; --line: #767676; --soft: #f2f4f7; }
@media (prefers-color-scheme: dark) { :root { --ink: #f0f0f0; --paper: #16181c; --line: #9a9a9a; --soft: #23272e; } }
body { font: 1rem/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper); max-width: 60rem;
  margin: 2rem auto; padding: 0 1rem; }
article, table { margin: 1rem 0; }
article { border: 1px solid var(--line); border-left-width: .5rem; padding: .5rem 1rem; background: var(--soft); }
article.exact { border-left-color: #2e7d32; } article.differs { border-left-color: #b26a00; }
article.composite, article.missing { border-left-color: #b3261e; } article.not_found { border-left-color: #5c5c5c; }
h2, h3 { line-height: 1.2; } h3 { font-size: 1rem; margin: .25rem 0; }
dt { font-weight: 600; } dd { margin: 0 0 .25rem 1rem; overflow-wrap: anywhere; }
p { overflow-wrap: anywhere; }
table { border-collapse: collapse; } th, td { border: 1px solid var(--line); padding: .25rem .75rem; text-align: left; }
@media print { article { break-inside: avoid; } }
""".strip()


def render_html(audit: Audit) -> str:
    """The audit as one HTML file that needs nothing else; every word of the document is escaped."""
    rows = "".join(
        f'<tr><th scope="row">{escape(WORDS[status])}</th><td>{n}</td></tr>' for status, n in audit.counts().items()
    )
    parts = [
        "<!DOCTYPE html>",
        '<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">',  # noqa: E501
        f"<title>Reference audit: {escape(audit.document)}</title><style>{_STYLE}</style></head><body><main>",
        f"<h1>Reference audit: {escape(audit.document)}</h1>",
        f"<p>{escape(_limits(audit))}</p>",
        *(f"<p>Note: {escape(note)}</p>" for note in audit.notes),
        f'<h2 id="summary">Summary</h2><table><caption>{len(audit.references)} references by verdict</caption>'
        f'<thead><tr><th scope="col">Verdict</th><th scope="col">References</th></tr></thead><tbody>{rows}</tbody></table>',  # noqa: E501
        '<h2 id="references">References</h2>',
        *(_article(i, reference) for i, reference in enumerate(audit.references)),
    ]
    if audit.uncited:
        parts.append(f"<p>In the list, but not found in the text: {', '.join(str(n) for n in audit.uncited)}</p>")
    parts.append('<h2 id="claims">Claims</h2>')
    if audit.claims:
        parts.append("<p>Claims of the ledger that the sentences may be making. A person has to confirm each one.</p>")
        for match in audit.claims:
            items = "".join(
                f"<li>{escape(p['claim_id'])} ({escape(p['verdict'])}, likeness {p['likeness']}): {escape(p['claim'])}{_denied(p)}</li>"  # noqa: E501
                for p in match.proposals
            )
            parts.append(f"<blockquote><p>{escape(match.sentence)}</p></blockquote><ul>{items}</ul>")
    else:
        parts.append("<p>No sentence came near a claim of the ledger.</p>")
    if audit.unmatched_sentences:
        items = "".join(f"<li>{escape(sentence)}</li>" for sentence in audit.unmatched_sentences)
        parts.append(f'<h2 id="unmatched">Sentences without a near claim</h2><ul>{items}</ul>')
    parts.append("</main></body></html>")
    return "\n".join(parts) + "\n"


def _article(index: int, reference: Reference) -> str:
    number = f"[{reference.number}] " if reference.number is not None else ""
    said = "".join(f"<dt>{escape(heading)}</dt><dd>{escape(text)}</dd>" for heading, text in _lines(reference))
    return (
        f'<article class="{reference.status}" aria-labelledby="r{index}"><h3 id="r{index}">{escape(number)}'
        f"{escape(WORDS[reference.status])}</h3><p>{escape(reference.cited.text)}</p>"
        + (f"<dl>{said}</dl>" if said else "")
        + "</article>"
    )
