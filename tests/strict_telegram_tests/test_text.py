"""The parser's edges: what TDLib's own functions say about our way of asking it."""

import json
from typing import Any

import tdjson
from hypothesis import given
from hypothesis import strategies as st
from strict_telegram import markup
from strict_telegram.errors import ApiError

PLAIN = st.text(
    st.characters(blacklist_characters="*_~|`[]()", blacklist_categories=["Cs"]), max_size=60
)


def _td(request: dict[str, Any]) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(tdjson.td_execute(json.dumps(request).encode()) or b"{}")
    return answer


@given(PLAIN)
def test_cleaning_is_tdlibs(text: str) -> None:
    """Without markup characters, TDLib's Markdown pass does nothing but clean."""
    request = {"@type": "formattedText", "text": text, "entities": []}
    assert markup.cleaned(text) == _td({"@type": "parseMarkdown", "text": request})["text"]


@given(st.text(st.characters(blacklist_categories=["Cs"]), max_size=60))
def test_plain_text_keeps_its_words(text: str) -> None:
    """Markup characters in plain text are text: nothing is parsed or lost."""
    parsed = markup.parse(text, "", "")
    assert parsed.text == markup.cleaned(text).strip(" \n")
    assert not {entity["type"] for entity in parsed.entities} & {"bold", "italic", "code"}


@given(
    st.text(st.sampled_from("ab 😀ы.*_\n"), min_size=1, max_size=20),
    st.lists(
        st.tuples(
            st.sampled_from(["bold", "italic", "code", "pre", "blockquote", "spoiler"]),
            st.integers(0, 20),
            st.integers(1, 20),
        ),
        max_size=5,
    ),
)
def test_entities_come_out_sorted_and_inside(text: str, given_: list[Any]) -> None:
    """Whatever is accepted lies within the text and is ordered."""
    wired = [{"type": kind, "offset": at, "length": length} for kind, at, length in given_]
    try:
        parsed = markup.parse(text, "", json.dumps(wired))
    except ApiError as error:
        assert "ntity" in error.description  # noqa: PT017 - both outcomes are right
        return
    starts = [entity["offset"] for entity in parsed.entities]
    assert starts == sorted(starts)
    total = markup.units(parsed.text)
    for entity in parsed.entities:
        assert 0 <= entity["offset"] < entity["offset"] + entity["length"] <= total
        assert markup.piece(parsed.text, entity)


@given(st.text(st.sampled_from("ab*_`[]().!|>~ \n"), max_size=30))
def test_escaped_markdown_always_parses(text: str) -> None:
    escaped = "".join(f"\\{char}" if char in "*_`[]().!|>~" else char for char in text)
    assert markup.parse(escaped, "MarkdownV2", "").text == text.strip(" \n\t\r")
