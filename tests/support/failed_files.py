"""Says which files of tests failed in the last run, for `make` to run them once more.

Whole files: many tell one story, in which a test goes on where the one before it stood.
"""

import json
import sys
from pathlib import Path

LAST_FAILED = Path(".pytest_cache/v/cache/lastfailed")


def failed_files() -> list[str]:
    """Their paths, as pytest keeps them; none where no test failed, or nothing is known of it.

    None as well where more went wrong than a test: a file that cannot be read, processes that do
    not see the same tests. Then there are tests that have not run, and no second run helps.
    """
    if not LAST_FAILED.exists():
        return []
    names = json.loads(LAST_FAILED.read_text("utf-8"))
    if not all("::" in name for name in names):
        return []
    return sorted({name.partition("::")[0] for name in names})


if __name__ == "__main__":
    files = failed_files()
    print(*files)
    sys.exit(not files)
