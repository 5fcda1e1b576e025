"""Which kind of assay a laboratory names."""

from __future__ import annotations

__all__ = ["assay_of"]

_ASSAYS = (
    ("lc-ms", ("lc-ms", "lcms", "lc/ms", "lc ms", "mass spec", "tandem", "hplc", "chromatography", "質譜", "质谱")),
    (
        "immunoassay",
        (
            "immuno",
            "clia",
            "cmia",
            "eclia",
            "elisa",
            "ria",
            "liaison",
            "architect",
            "centaur",
            "elecsys",
            "cobas",
            "roche",
            "diasorin",
            "abbott",
            "siemens",
            "免疫",
            "化學發光",
            "化学发光",
        ),
    ),
)


def assay_of(text: object) -> str | None:
    """``"lc-ms"``, ``"immunoassay"`` or None for the name of a method."""
    plain = str(text).casefold()
    return next((kind for kind, cues in _ASSAYS if any(c in plain for c in cues)), None)
