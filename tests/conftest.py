"""How the property tests draw.

The same cases in every run of ``make test``, so that a green run says the same thing twice; fresh cases in every run of
``make validate`` (``HYPOTHESIS_PROFILE=explore``), where a new counterexample is news and not a riddle.
"""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

# A slow machine is no fault of the code.
SLOW = [HealthCheck.too_slow]
settings.register_profile("fixed", derandomize=True, deadline=None, suppress_health_check=SLOW)
settings.register_profile("explore", deadline=None, print_blob=True, suppress_health_check=SLOW)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "fixed"))
