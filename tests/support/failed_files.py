"""Says which files of tests failed in the last run, for `make` to run them once more.

Whole files: many tell one story, in which a test goes on where the one before it stood.
"""

import json
from pathlib import Path

LAST_FAILED = Path(".pytest_cache/v/cache/lastfailed")


def failed_files(cache: Path = LAST_FAILED) -> list[str]:
    """Their paths, as pytest keeps them; none where nothing failed, or nothing is known of it."""
    if not cache.exists():
        return []
    return sorted({name.partition("::")[0] for name in json.loads(cache.read_text("utf-8"))})


if __name__ == "__main__":
    print(*failed_files())
