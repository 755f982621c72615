"""Makes the client for pages of its source: `python -m tests.support.client_build` writes it."""

import subprocess
import tempfile
from pathlib import Path

from tests.support.npm import clients

STATIC = Path(__file__).parents[2] / "streams" / "gateway" / "static"
TYPES = (
    *("--strict", "--noUncheckedIndexedAccess", "--exactOptionalPropertyTypes"),
    *("--noUnusedLocals", "--noUnusedParameters", "--noImplicitReturns"),
    *("--target", "es2022", "--module", "es2022", "--moduleResolution", "bundler"),
    *("--lib", "es2022,dom,dom.iterable"),
)
SMALL = ("--module", "--ecma", "2022", "--mangle", "--compress", "passes=3,unsafe_arrows")


def compiled(source: Path, *more: str) -> str:
    """What the TypeScript compiler says of a file; empty where it has nothing to say."""
    command = [_tool("tsc"), *TYPES, *more, str(source)]
    done = subprocess.run(command, cwd=STATIC, capture_output=True, text=True, check=False)
    return str(done.stdout)


def built() -> dict[str, str]:
    """The files that are made of the source, by name.

    Raises:
        ValueError: it does not compile; what the compiler says.
    """
    with tempfile.TemporaryDirectory() as folder:
        if said := compiled(STATIC / "offerstream.ts", "--declaration", "--outDir", folder):
            raise ValueError(said)
        small = [_tool("terser"), f"{folder}/offerstream.js", *SMALL]
        script = subprocess.run(small, capture_output=True, text=True, check=True).stdout
        types = (Path(folder) / "offerstream.d.ts").read_text(encoding="utf-8")
    return {"offerstream.js": f"{script.strip()}\n", "offerstream.d.ts": types}


def _tool(name: str) -> str:
    return str(clients() / "node_modules" / ".bin" / name)


if __name__ == "__main__":
    for name, text in built().items():
        (STATIC / name).write_text(text, encoding="utf-8")
