"""House rules as tests: what review would otherwise have to remember."""

import ast
import re
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml

from streams import __version__

ROOT = Path(__file__).parents[2]
SOURCES = sorted((ROOT / "streams").rglob("*.py"))
TOOLS = sorted(path for room in ("benchmarks", "deploy") for path in (ROOT / room).rglob("*.py"))
TOP_LEVEL = {
    ".ci",
    ".editorconfig",
    ".gitignore",
    ".pre-commit-config.yaml",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "LICENSE",
    "Makefile",
    "README.md",
    "SECURITY.md",
    "benchmarks",
    "deploy",
    "docker-compose.yml",
    "docs",
    "mkdocs.yml",
    "pyproject.toml",
    "schemas",
    "streams",
    "tests",
}
FUNCTION_LINES_MAX = 70
FILE_LINES_MAX = 400
PURE_ROOMS = (
    "contracts",
    "identity",
    "customer",
    "features",
    "models",
    "decisions",
    "alerts",
    "feedback",
    "pipeline.py",
)
UNSAFE = re.compile(r"\b(pickle|cPickle|dill|joblib|marshal|shelve)\b|\byaml\.(load|unsafe_load)\(")
IMPURE = re.compile(
    r"\btime\.time\(|\btime_ns\(|datetime\.now\(|\butcnow\(|os\.environ|os\.getenv"
    r"|^import random|^from random|default_rng\(\)|perf_counter\("
)


def relative(path: Path) -> str:
    """The path as a person would write it."""
    return path.relative_to(ROOT).as_posix()


def module_of(path: Path) -> str:
    """The name under which others import it."""
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def pure_sources() -> list[Path]:
    """The files of the rooms that may not look outside."""
    return [path for path in SOURCES if path.relative_to(ROOT / "streams").parts[0] in PURE_ROOMS]


@pytest.mark.parametrize("path", [*SOURCES, *TOOLS], ids=relative)
def test_a_file_is_one_idea_with_a_sentence_about_it(path: Path) -> None:
    """Every module opens with a docstring and stays readable in one sitting."""
    source = path.read_text(encoding="utf-8")
    assert ast.get_docstring(ast.parse(source)), "the module has no docstring"
    assert source.count("\n") <= FILE_LINES_MAX


@pytest.mark.parametrize("path", [*SOURCES, *TOOLS], ids=relative)
def test_no_function_is_longer_than_a_screen(path: Path) -> None:
    """A function of more than seventy lines is several functions."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    functions = (n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef))
    long = {f.name for f in functions if (f.end_lineno or 0) - f.lineno >= FUNCTION_LINES_MAX}
    assert long == set()


@pytest.mark.parametrize("path", pure_sources(), ids=relative)
def test_pure_rooms_read_no_clock_no_random_source_no_environment(path: Path) -> None:
    """Time, seeds and settings are arguments, or a replay would differ."""
    lines = path.read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if IMPURE.search(line)] == []


@pytest.mark.parametrize("path", SOURCES, ids=relative)
def test_nothing_unsafe_is_ever_loaded(path: Path) -> None:
    """No pickle, no eval, no unsafe YAML, wherever the bytes come from."""
    source = path.read_text(encoding="utf-8")
    code = [line for line in source.splitlines() if not line.lstrip().startswith("#")]
    imports = [line for line in code if re.match(r"\s*(import|from)\s", line)]
    assert [line for line in imports if UNSAFE.search(line)] == []
    calls = (n.func for n in ast.walk(ast.parse(source)) if isinstance(n, ast.Call))
    called = {f.id for f in calls if isinstance(f, ast.Name)}
    assert called & {"eval", "exec", "compile"} == set()
    if "yaml.load(" in source:
        assert "class _Loader(yaml.SafeLoader)" in source
        assert re.findall(r"yaml\.load\(\w+, (\w+)\)", source) == ["_Loader"]


def called_in(source: str, module: str) -> set[tuple[str, str]]:
    """Module and name of all that a file imports, or uses of its own outside the definition."""
    tree = ast.parse(source)
    own = {n.name: n for n in tree.body if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)}
    modules = {module: module}
    found: set[tuple[str, str]] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module is not None:
            found |= {(node.module, alias.name) for alias in node.names}
            modules |= {a.asname or a.name: f"{node.module}.{a.name}" for a in node.names}
        elif isinstance(node, ast.Attribute):
            owner = ast.unparse(node.value)
            found.add((modules.get(owner, owner), node.attr))
    for top in tree.body:
        names = (n.id for n in ast.walk(top) if isinstance(n, ast.Name))
        found |= {(module, name) for name in names if own.get(name, top) is not top}
    return found


def test_no_function_lives_for_its_tests_alone() -> None:
    """A function is used by the program, a tool, or an example in the documents; or it goes.

    What a decorator hands to somebody else (a command, a cache) counts as used.
    """
    called: set[tuple[str, str]] = set()
    for path in [*SOURCES, *TOOLS]:
        called |= called_in(path.read_text(encoding="utf-8"), module_of(path))
    for page in [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]:
        for block in re.findall(
            r"```python\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL
        ):
            called |= called_in(block, page.name)
    defined = {
        (module_of(path), node.name)
        for path in SOURCES
        for node in ast.parse(path.read_text(encoding="utf-8")).body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and not node.decorator_list
    }
    assert defined - called == set()


def test_only_settings_reads_the_environment() -> None:
    """A setting has one door."""
    readers = {
        relative(path)
        for path in SOURCES
        if re.search(r"os\.environ\b|os\.getenv\(", path.read_text(encoding="utf-8"))
    }
    assert readers <= {"streams/settings.py"}


def test_the_top_level_holds_what_was_agreed_and_no_more() -> None:
    """A newcomer sees the same few names at every commit."""
    listed = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if listed.returncode != 0:
        pytest.skip("not a git checkout")
    assert {line.split("/")[0] for line in listed.stdout.splitlines()} <= TOP_LEVEL


def test_the_hooks_run_before_a_commit_what_make_check_runs() -> None:
    """The two lists are the same commands in the same order, and no hook is fetched."""
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    recipe = makefile.split("\ncheck:", 1)[1].split("\n\n", 1)[0]
    wanted = re.findall(r"^\t(.*)$", recipe, re.MULTILINE)
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))
    assert [repository["repo"] for repository in hooks["repos"]] == ["local"]
    entries = [hook["entry"] for repository in hooks["repos"] for hook in repository["hooks"]]
    short = {"$(BIN)": ".venv/bin", "$(MAKE)": "make"}
    assert entries == [re.sub(r"\$\(\w+\)", lambda m: short[m[0]], line) for line in wanted]
    assert len(entries) >= 5


def test_the_version_stands_in_one_place() -> None:
    """pyproject.toml and the compose file read it from `streams`, or say none."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert "version" not in project["project"]
    assert project["tool"]["hatch"]["version"]["path"] == "streams/__init__.py"
    for name in ("docker-compose.yml", "deploy/Dockerfile", "mkdocs.yml", "Makefile"):
        assert __version__ not in (ROOT / name).read_text(encoding="utf-8")


def test_lock_files_pin_every_package_with_hashes_and_name_no_index() -> None:
    """What is installed is what was resolved, from whatever mirror."""
    for name in ("requirements.lock", "requirements-dev.lock"):
        text = (ROOT / "deploy" / name).read_text(encoding="utf-8")
        pinned = re.findall(r"^([a-z0-9][a-z0-9._-]*)==", text, re.MULTILINE)
        assert len(pinned) > 50
        assert "://" not in text
        blocks = re.split(r"\n(?=[a-z0-9][a-z0-9._-]*==)", "\n" + text)[1:]
        assert all("--hash=sha256:" in block for block in blocks)


def test_every_link_in_the_documents_leads_somewhere() -> None:
    """A link to a file of ours names a file that exists."""
    broken = []
    for page in [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]:
        links = re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8"))
        ours = (target for target in links if "://" not in target)
        broken += [f"{relative(page)}: {t}" for t in ours if not (page.parent / t).exists()]
    assert broken == []
