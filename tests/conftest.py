"""Settings for every test: how Hypothesis searches.

`ci` (the default) is derandomised: the same tree always gives the same verdict, on every machine. `nightly` searches
widely, with fresh randomness; what it finds becomes an `@example`. Choose with `HYPOTHESIS_PROFILE=nightly`.
"""

import os

from hypothesis import settings

settings.register_profile("ci", derandomize=True, deadline=None, max_examples=100, print_blob=True)
settings.register_profile("nightly", derandomize=False, deadline=None, max_examples=5_000, print_blob=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))
