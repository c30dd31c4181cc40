"""Every module can be read at one sitting: it says what question it answers, and neither it nor a function is long."""

import ast
from pathlib import Path

import pytest

SOURCES = Path(__file__).parents[2] / "src" / "opsctl"
MOST_LINES = 320
MOST_LINES_OF_A_FUNCTION = 60
# Certificates of the statistics are bound to its bytes.
BOUND = {"experiments/analysis/run.py: analyse"}


@pytest.fixture(scope="module")
def modules() -> tuple[tuple[str, str, ast.Module], ...]:
    """Name, text and syntax of every module; held for these tests alone, because it is large."""
    texts = ((path, path.read_text()) for path in sorted(SOURCES.rglob("*.py")))
    return tuple((str(path.relative_to(SOURCES)), text, ast.parse(text)) for path, text in texts)


def test_no_module_is_long(modules):
    """What is longer answers two questions."""
    assert [name for name, text, _ in modules if len(text.splitlines()) > MOST_LINES] == []


def test_no_function_is_long(modules):
    """From its first decorator to its last line."""
    long = {
        f"{name}: {node.name}"
        for name, _, tree in modules
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (node.end_lineno or 0) - node.lineno >= MOST_LINES_OF_A_FUNCTION
    }

    assert long == BOUND


def test_every_module_says_in_one_sentence_what_it_answers(modules):
    """The first paragraph of its docstring is one line that ends as a sentence."""
    silent = []
    for name, text, tree in modules:
        first = (ast.get_docstring(tree) or "").split("\n\n")[0]
        if text.strip() and ("\n" in first or not first.endswith((".", "?", "!"))):
            silent.append(name)

    assert silent == []


def test_no_two_modules_answer_the_same_question(modules):
    """Else one of them could be the other."""
    asked: dict[str, list[str]] = {}
    for name, _, tree in modules:
        asked.setdefault((ast.get_docstring(tree) or name).split("\n")[0], []).append(name)

    assert [names for names in asked.values() if len(names) > 1] == []
