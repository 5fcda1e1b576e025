"""Why we believe it: studies, claims, references, pooling, certainty. See docs/evidence.md."""

from __future__ import annotations

from calcidiol.evidence.advice import for_plan
from calcidiol.evidence.certainty import certainty
from calcidiol.evidence.claims import Entry, Shown, claims, show
from calcidiol.evidence.forest import cumulative_plot, forest, forest_of_claim, leave_one_out_plot
from calcidiol.evidence.funnel import funnel
from calcidiol.evidence.html import claim_html, claims_html
from calcidiol.evidence.load import load
from calcidiol.evidence.mechanism import edges, map_svg, mechanism_page
from calcidiol.evidence.pool import Pool, note_text, pool
from calcidiol.evidence.questions import answers, patients_page
from calcidiol.evidence.search import Hit, search
from calcidiol.evidence.sensitivity import cumulative, egger, leave_one_out, meta_regression, subgroups
from calcidiol.evidence.telling import Told, tell_claims
from calcidiol.evidence.text import text_claims, text_pool, text_search, text_show

__all__ = [
    "Entry",
    "Hit",
    "Pool",
    "Shown",
    "Told",
    "answers",
    "certainty",
    "claim_html",
    "claims",
    "claims_html",
    "cumulative",
    "cumulative_plot",
    "edges",
    "egger",
    "for_plan",
    "forest",
    "forest_of_claim",
    "funnel",
    "leave_one_out",
    "leave_one_out_plot",
    "load",
    "map_svg",
    "mechanism_page",
    "meta_regression",
    "note_text",
    "patients_page",
    "pool",
    "search",
    "show",
    "subgroups",
    "tell_claims",
    "text_claims",
    "text_pool",
    "text_search",
    "text_show",
]
