"""How hard to try: little in every run of the tests, as long as wanted with LATCHKEY_FUZZ_EXAMPLES."""

import os

from hypothesis import HealthCheck, settings

FACTOR = int(os.environ.get("LATCHKEY_FUZZ_EXAMPLES", "1"))
"""Times as many examples as in every run; above 1 other ones each time, and a failure is kept in `.hypothesis`."""
SECONDS = 120 * FACTOR


def examples(number):
    """So many, and always the same, in every run of the tests."""
    return settings(
        max_examples=number * FACTOR,
        derandomize=FACTOR == 1,
        database=None if FACTOR == 1 else settings.default.database,
        deadline=None,
        print_blob=True,
        suppress_health_check=list(HealthCheck),
    )
