"""Write the effects of the ledger's own pools, so that R pools the same numbers.

Usage: python validation/metafor/ours.py FILE
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from calcidiol.evidence import load, pool

GROUPS = (
    "CANCER_INCIDENCE_RCT",
    "CANCER_MORTALITY_RCT",
    "SURVIVAL_PATIENTS_RCT",
    "HEM_OS_LOW25OHD",
    "HEM_PFS_LOW25OHD",
    "IM_VS_ORAL_25OHD_EARLY",
)


def main() -> None:
    """Write one entry for each group that is pooled on the log or natural scale."""
    ledger = load()
    sets = {}
    for group in GROUPS:
        effects = pool(group, ledger=ledger).effects
        sets[group] = {"yi": [e.y for e in effects], "vi": [e.v for e in effects]}
    Path(sys.argv[1]).write_text(json.dumps(sets))


if __name__ == "__main__":
    main()
