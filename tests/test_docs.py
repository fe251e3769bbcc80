"""What the documents say is so: links, commands, variables, events, sentences, the picture."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from docs.pictures.drawing import picture
from docs.pictures.lines import rows_of, width_of
from docs.pictures.scene import frames
from navi_bot import cli
from navi_bot.app.catalogue import all_commands, menu
from navi_bot.settings import variables

ROOT = Path(__file__).resolve().parent.parent
DOCUMENTS = (ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md")))
SOURCES = ("navi_bot", "adapters", "tools")
README = (ROOT / "README.md").read_text(encoding="utf-8")
OPERATING = (ROOT / "docs" / "operating.md").read_text(encoding="utf-8")

FAMILIES = ("NAVI", "TELEGRAM", "MATRIX", "OLLAMA", "OPENAI", "LLM", "CONTEXT", "SEARXNG", "CALDAV")
_VARIABLE = re.compile(rf"\b(?:{'|'.join(FAMILIES)})_[A-Z_]*")
_LINK = re.compile(r"\]\(([^)\s]+)(?: \"[^\"]*\")?\)")
_TEST_LINK = re.compile(r"\]\(([\w/]+\.py) \"(test_\w+)\"\)")
_MARKED = re.compile(r"`([^`]+)`")


def documents() -> dict[str, str]:
    return {str(path.relative_to(ROOT)): path.read_text(encoding="utf-8") for path in DOCUMENTS}


def section(text: str, title: str) -> str:
    """Return the text between a heading and the next of its rank or higher."""
    head = re.search(rf"^(#+) {re.escape(title)}$", text, re.MULTILINE)
    assert head is not None, title
    rest = text[head.end() :]
    following = re.search(rf"^#{{1,{len(head[1])}}} ", rest, re.MULTILINE)
    return rest[: following.start()] if following else rest


def first_cells(text: str) -> Iterator[str]:
    """Yield the first cell of each row of the tables in a text, heads left out."""
    lines = text.splitlines()
    for number, line in enumerate(lines):
        is_head = number + 1 < len(lines) and lines[number + 1].startswith("|---")
        if line.startswith("|") and not line.startswith("|---") and not is_head:
            yield line.strip("|").split(" | ")[0].strip()


def anchors(text: str) -> set[str]:
    """Return the anchors of a document's headings, as they are made on the web."""
    heads = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", head.lower()).replace(" ", "-") for head in heads}


@cache
def trees() -> tuple[ast.Module, ...]:
    paths = (path for folder in SOURCES for path in sorted((ROOT / folder).rglob("*.py")))
    return tuple(ast.parse(path.read_text(encoding="utf-8")) for path in paths)


@cache
def sayings() -> frozenset[str]:
    """Return every string of the sources, "…" for what is put in, blanks evened out."""
    found = set()
    for tree in trees():
        for node in ast.walk(tree):
            if isinstance(node, ast.JoinedStr):
                parts = (str(part.value) if isinstance(part, ast.Constant) else "…"
                         for part in node.values)  # fmt: skip
                found.add(" ".join("".join(parts).split()))
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                found.add(" ".join(re.sub(r"\{[^{}]*\}", "…", node.value).split()))
    return frozenset(found)


@pytest.mark.parametrize("name", documents())
def test_links_lead_somewhere(name: str) -> None:
    """Every link into the project names a file that is there, and a heading of it."""
    text = documents()[name]
    for link in _LINK.findall(text):
        path, _, anchor = link.partition("#")
        if path.startswith(("http://", "https://")):
            continue
        target = (ROOT / name).parent / path if path else ROOT / name
        assert target.exists(), link
        if anchor:
            assert anchor in anchors(target.read_text(encoding="utf-8")), link


@pytest.mark.parametrize("name", documents())
def test_variables_are_read_by_the_program(name: str) -> None:
    """A name that ends with _ stands for all that begin with it."""
    known = variables()
    for found in _VARIABLE.findall(documents()[name]):
        if found.endswith("_"):
            assert any(variable.startswith(found) for variable in known), found
        else:
            assert found in known, found


def idle_settings() -> list[str]:
    """Return what the guide says has no effect; names that end with _ are families."""
    rest = section(OPERATING, "Settings").partition("Read, checked and without effect")[2]
    return _VARIABLE.findall(rest.partition(". Tools in")[0])


def test_every_setting_is_in_the_guide() -> None:
    told = _VARIABLE.findall(section(OPERATING, "Settings"))
    families = tuple(one for one in idle_settings() if one.endswith("_"))
    assert [one for one in variables() if one not in told and not one.startswith(families)] == []


def test_settings_without_effect_have_none() -> None:
    """When a later change uses one, the guide must say so."""
    names = {one for one in variables() if one.startswith(tuple(idle_settings()))}
    assert names
    used = {
        node.attr
        for tree in trees()
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Attribute | ast.Name)
        and ast.unparse(node.value).endswith("settings")
        and not ast.unparse(node).startswith("settings.matrix_")  # their presence is looked at
    }
    assert {name.lower().removeprefix("navi_") for name in names} & used == set()


def test_the_table_of_commands_is_that_of_the_program() -> None:
    """Every command that is not hidden, with its help; in any order."""
    rows = re.findall(r"^\| `/(\w+)` \| (.+) \|$", section(README, "Commands"), re.MULTILINE)
    assert dict(rows) == menu(all_commands())
    assert len(rows) == len(dict(rows))


@pytest.mark.parametrize("name", documents())
def test_commands_at_the_machine_are_there(name: str) -> None:
    command = r"^(?:\w+=\S+ )?(?:\S*bin/)?navi-bot ([a-z]+)(?: ([a-z]+))?"
    said = re.findall(command, code_of(name), re.MULTILINE)
    parser = cli.parser()
    for command, act in said:
        more = [act] if command in ("pair", "matrix", "recalls") else []
        more += {"approve": ["CODE"], "revoke": ["telegram:1"]}.get(act, [])
        if command not in ("pair", "matrix", "recalls") or act:
            assert parser.parse_args([command, *more]).command == command


def code_of(name: str) -> str:
    """Return what a document sets as code: blocks, and stretches that are no sentences."""
    text = documents()[name]
    blocks = re.findall(r"^```sh\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    prose = re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)
    stretches = (words for words in _MARKED.findall(prose) if not words.endswith("."))
    return "\n".join([*blocks, *stretches])


@pytest.mark.parametrize("name", documents())
def test_scripts_are_there(name: str) -> None:
    for script in re.findall(r"scripts/\w+", documents()[name]):
        assert (ROOT / script).is_file(), script


def test_promises_name_tests_that_are_there() -> None:
    promised = _TEST_LINK.findall(section(README, "What it promises"))
    rows = list(first_cells(section(README, "What it promises")))
    assert len(promised) >= len(rows) > 5
    for path, test in promised:
        assert re.search(rf"^(async )?def {test}\(", (ROOT / path).read_text(), re.MULTILINE), test


def test_events_to_watch_are_logged() -> None:
    cells = list(first_cells(section(OPERATING, "Seeing how it is")))
    told = [name for cell in cells for name in _MARKED.findall(cell)]
    assert len(told) > 10
    assert [name for name in told if name not in sayings()] == []


def test_exit_codes_are_the_programs() -> None:
    """Those in the guide's table are those that the command line tells of itself."""
    cells = first_cells(section(OPERATING, "Seeing how it is"))
    told = {cell for cell in cells if cell.isdigit()}
    assert told == set(re.findall(r"^(\d+)\s", cli.__doc__ or "", re.MULTILINE))


def test_sentences_of_the_guide_are_said_by_the_program() -> None:
    """Each is a part of a sentence in the sources; "…" stands for a name or a number."""
    told = [" ".join(cell.strip("`").split())
            for cell in first_cells(section(OPERATING, "When something is wrong"))]  # fmt: skip
    assert len(told) > 20
    assert [words for words in told if not any(words in saying for saying in sayings())] == []


def test_the_picture_is_what_the_bot_shows() -> None:
    """When this fails: python -m docs.pictures, and look at it."""
    drawn = (ROOT / "docs" / "live-message.svg").read_text(encoding="utf-8")
    assert drawn == picture(frames())


def test_the_picture_shows_a_turn_at_work_and_done() -> None:
    at_work, writing, done = frames()
    assert "⏳" in at_work.shown.text
    assert at_work.buttons == writing.buttons != ()
    assert "⏳" not in done.shown.text
    assert done.shown.text.count("✅") == 3
    assert "⏱" in done.shown.text
    assert done.buttons == ()


def test_rows_of_the_picture_fit_and_lose_no_word() -> None:
    for frame in frames():
        rows = rows_of(frame.shown, 272)
        assert all(sum(width_of(run) for run in row.runs) <= 280 for row in rows)
        shown = " ".join("".join(run.text for run in row.runs) for row in rows)
        assert shown.split() == frame.shown.text.split()
