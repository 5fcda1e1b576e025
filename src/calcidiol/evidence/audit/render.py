"""An audit as plain text."""

from __future__ import annotations

from calcidiol.evidence.audit.records import Audit, Reference

__all__ = ["render_html", "render_text"]

WORDS = {
    "exact": "exact",
    "differs": "differs from the real paper",
    "composite": "mixes two real papers",
    "not_found": "not found here",
    "missing": "cited in the text, not in the list",
}


def render_text(audit: Audit) -> str:
    """The audit for a terminal."""
    counts = ", ".join(f"{n} {status.replace('_', ' ')}" for status, n in audit.counts().items() if n)
    lines = [f"{audit.document}: {len(audit.references)} references ({counts or 'none'})", ""]
    for reference in audit.references:
        lines.extend(_reference(reference))
    return "\n".join(lines)


def _reference(reference: Reference) -> list[str]:
    number = f"[{reference.number}]" if reference.number is not None else "[-]"
    lines = [f"{number} {WORDS[reference.status]}: {reference.cited.text}"]
    if reference.fields_that_differ:
        lines.append(f"     differs in: {', '.join(reference.fields_that_differ)}")
    return lines


def render_html(audit: Audit) -> str:
    """Placeholder."""
    return render_text(audit)
