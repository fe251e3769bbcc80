"""Pages as text with entities, judged by TDLib's own parser."""

import json
import os
import re

import pytest
import tdjson
from hypothesis import given, settings
from hypothesis import strategies as st
from strict_telegram import markup as tdlib

from adapters.telegram.markup import (
    ENTITY_LIMIT,
    LENGTH_LIMIT,
    Entity,
    Rendered,
    TelegramSurface,
    plain,
    render,
    units,
)
from navi_bot.events import StreamEnd, TextDelta, ToolEvent
from navi_bot.live import LiveMessage, LiveOptions
from navi_bot.messages import Block, Fold, Line, Page, Prose, TurnId

DETECTED = {"mention", "hashtag", "cashtag", "bot_command", "url", "email", "phone_number"}
FULL = bool(os.environ.get("NAVI_TEST_FULL"))


def prose(markdown: str) -> Rendered:
    return render(Page((Prose(markdown),)))


def pieces(rendered: Rendered) -> list[tuple[str, str]]:
    """Return (type, text) of each entity."""
    raw = rendered.text.encode("utf-16-le")
    return [
        (one.type, raw[2 * one.offset : 2 * (one.offset + one.length)].decode("utf-16-le"))
        for one in rendered.entities
    ]


def wire(entity: Entity) -> dict[str, object]:
    value: dict[str, object] = {
        "type": entity.type,
        "offset": entity.offset,
        "length": entity.length,
    }
    if entity.url:
        value["url"] = entity.url
    if entity.language:
        value["language"] = entity.language
    return value


def judge(rendered: Rendered) -> None:
    """Have TDLib take the message as it is: nothing refused, stripped or moved."""
    wired = [wire(one) for one in rendered.entities]
    found = tdlib.parse(rendered.text, "", json.dumps(wired))
    assert found.text == rendered.text
    theirs = [(one["type"], one["offset"], one["length"]) for one in found.entities]
    ours = [(one.type, one.offset, one.length) for one in rendered.entities]
    if len(theirs) < ENTITY_LIMIT:
        assert looks(ours, len(rendered.text)) == looks(theirs, len(rendered.text)), rendered
    marked = {"@type": "formattedText", "text": rendered.text, "entities": _td(rendered)}
    answer = tdjson.td_execute(json.dumps({"@type": "getMarkdownText", "text": marked}).encode())
    assert answer is not None
    assert json.loads(answer)["@type"] == "formattedText", answer


def looks(entities: list[tuple[str, int, int]], length: int) -> list[frozenset[str]]:
    """Return how each UTF-16 unit looks; what Telegram finds by itself is left out."""
    units_of: list[set[str]] = [set() for _ in range(2 * length + 1)]
    for kind, start, size in entities:
        for place in range(start, start + size) if kind not in DETECTED else ():
            units_of[place].add(kind)
    return [frozenset(kinds) for kinds in units_of]


def _td(rendered: Rendered) -> list[dict[str, object]]:
    given = (tdlib._from_wire(wire(one)) for one in rendered.entities)
    return [one for one in given if one is not None]


# What things look like -----------------------------------------------------------------

CASES: dict[str, tuple[str, str, list[tuple[str, str]]]] = {
    "bold and italic": ("**b** and *i*", "b and i", [("bold", "b"), ("italic", "i")]),
    "nested emphasis": ("**b *i* b**", "b i b", [("bold", "b i b"), ("italic", "i")]),
    "strike": ("~~s~~", "s", [("strikethrough", "s")]),
    "a heading is bold, without signs": ("# Head\ntext", "Head\ntext", [("bold", "Head")]),
    "inline code": ("run `ls -l` now", "run ls -l now", [("code", "ls -l")]),
    "marks in code stay": ("`a*b*c <x>`", "a*b*c <x>", [("code", "a*b*c <x>")]),
    "a fence": ("```py\nx = 1\n```", "x = 1", [("pre", "x = 1")]),
    "tags in a fence stay": ("```\n<b>x</b>\n```", "<b>x</b>", [("pre", "<b>x</b>")]),
    "a link": ("[here](https://x.org/a)", "here", [("text_link", "here")]),
    "a link of another kind": ("[x](javascript:alert(1))", "x", []),
    "a link to nowhere": ("[x](foo)", "x", []),
    "a list": ("- one\n- two", "• one\n• two", []),
    "a quote": ("> said", "said", [("blockquote", "said")]),
    "tags are shown": ("<div>\nhey\n</div>", "<div>\nhey\n</div>", []),
    "a tag in a line": ("a<br>b", "a<br>b", []),
    "a footnote": ("x[^1]\n\n[^1]: why", "x[^1]\n\n[^1]: why", []),
    "names keep their underscores": ("snake_case_name", "snake_case_name", []),
    "stars between blanks": ("5 * 3 * 2", "5 * 3 * 2", []),
    "emoji count twice": ("🎉 **b**", "🎉 b", [("bold", "b")]),
    "blanks around": ("\n\n  **b**  \n", "b", [("bold", "b")]),
    "a list with code": ("1. a\n   ```py\n   x\n   ```\n2. b", "1. a\nx\n2. b", [("pre", "x")]),
    "escaped marks": (r"\*no\* \<b>", "*no* <b>", []),
    "entities of HTML": ("&lt;x&gt; &amp;", "<x> &", []),
    "direction marks go": ("a\u202eb", "ab", []),
    "control signs are blanks": ("a\x07b", "a b", []),
}


@pytest.mark.parametrize(("markdown", "text", "found"), CASES.values(), ids=CASES.keys())
def test_markdown_looks_as_it_is_meant(
    markdown: str, text: str, found: list[tuple[str, str]]
) -> None:
    rendered = prose(markdown)
    assert rendered.text == text
    assert sorted(pieces(rendered)) == sorted(found)
    judge(rendered)


OPEN: dict[str, tuple[str, str, list[tuple[str, str]]]] = {
    "bold": ("so **bol", "so bol", [("bold", "bol")]),
    "italic in bold": ("**bo *it", "bo it", [("bold", "bo it"), ("italic", "it")]),
    "a mark alone": ("so **", "so", []),
    "code": ("so `co", "so co", [("code", "co")]),
    "double ticks": ("so ``a`b", "so a`b", [("code", "a`b")]),
    "a fence": ("```py\nx =", "x =", [("pre", "x =")]),
    "half a fence": ("text\n```", "text", []),
    "half a link": ("see [x](http://y.z/lo", "see [x](http://y.z/lo", []),
    "half a tag": ("see <di", "see <di", []),
    "a closed one before": ("**a** b **c", "a b c", [("bold", "a"), ("bold", "c")]),
}


@pytest.mark.parametrize(("markdown", "text", "found"), OPEN.values(), ids=OPEN.keys())
def test_what_is_open_at_the_end_is_closed(
    markdown: str, text: str, found: list[tuple[str, str]]
) -> None:
    """So that a streaming text looks from the start as it will look."""
    rendered = prose(markdown)
    assert rendered.text == text
    assert sorted(pieces(rendered)) == sorted(found)
    judge(rendered)


def test_blocks_have_their_looks() -> None:
    page = Page(
        (
            Fold("💭 Thought for 3 s", "first\nsecond"),
            Line("✅ clock · 0.1 s"),
            Prose("It is **noon**."),
            Line("⏱ 2 s", "dim"),
            Line("note", "bold"),
            Line("  ↳ x", "code"),
        )
    )
    rendered = render(page)
    assert rendered.text == (
        "💭 Thought for 3 s\nfirst\nsecond\n✅ clock · 0.1 s\n\nIt is noon.\n\n⏱ 2 s\nnote\n  ↳ x"
    )
    assert pieces(rendered) == [
        ("bold", "💭 Thought for 3 s"),
        ("expandable_blockquote", "first\nsecond"),
        ("bold", "noon"),
        ("italic", "⏱ 2 s"),
        ("bold", "note"),
        ("code", "↳ x"),
    ]
    judge(rendered)


def test_plain_is_what_was_written() -> None:
    page = Page((Prose("**b** `c`"), Line("⏱"), Fold("t", "x")))
    assert plain(page) == "**b** `c`\n⏱\nt\nx"


def test_a_text_that_breaks_the_converter_is_shown_as_it_was_written() -> None:
    """Deep nesting ends many converters; no word may be lost."""
    deep = "> " * 3000 + "word"
    assert "word" in prose(deep).text


@pytest.mark.parametrize(
    ("text", "fits"),
    [
        ("x" * LENGTH_LIMIT, True),
        ("x" * (LENGTH_LIMIT + 1), False),
        ("🎉" * (LENGTH_LIMIT // 2), True),
        ("🎉" * (LENGTH_LIMIT // 2) + "x", False),
        ("`c` " * ENTITY_LIMIT, True),
        ("`c` " * (ENTITY_LIMIT + 1), False),
        ("", True),
    ],
)
def test_a_page_fits_what_telegram_takes(text: str, fits: bool) -> None:
    assert TelegramSurface().fits(Page((Prose(text),))) is fits


# Any prefix of anything ----------------------------------------------------------------

SAMPLES = (
    """# Title with `code` and **bold**

Some *italic*, ~~struck~~ and ||hidden|| words; a [link](https://example.org/a_b?c=d&e=f),
an ![image](https://example.org/i.png) and <https://auto.link/x>. Émoji 👩‍👩‍👧‍👦 🎉 and ❤️.

1. first **bold *nested* text**
   - inner `x*y*z`
     - deeper __under__ *a*
2. second

   with a paragraph

   ```python
   def f(x: int) -> str:
       return f"{x}" * 2  # <b>not a tag</b>
   ```

> quoted *words*
> > nested quote
> ```
> code in it
> ```

| a | b `c` |
|---|:-----:|
| **1** | [x](http://y.z) |

- [ ] open task
- [x] done task

~~~~
```
fence in fence
```
~~~~

---
x^2 + $y_1$ \\(z\\) a[^1] <details><summary>More</summary>hidden</details> &lt;esc&gt; \\*no\\*

[^1]: the note
""",
    "```js\nlet a = `b${c}`;\n```\nthen `a``b` and ``c`d`` **x** __y__ ***z*** _q_ *r*_s_",
    "مرحبا **عالم** `رمز` 日本語の**太字**と`コード`。\U0001d4bb\U0001d4ca **🇺🇦🇺🇦** *👍🏽*",
    "* a\n* b\n\n  c\n* d\n1) x\n2) y\n+ z\n\n***\n\n## H2 ##\n### H3 *i*\nSetext\n======\n",
    "**bold\nover lines** and *also\n\nnot over* paragraphs `nor\n\ncode` [nor](http://a.b\n\nc)",
)


def prefixes() -> list[str]:
    found: list[str] = []
    for sample in SAMPLES:
        found += [sample[:end] for end in range(1, len(sample) + 1)]
    return found


def test_every_prefix_of_a_stream_is_taken_by_telegram() -> None:
    """Every page of every streaming prefix, by TDLib's rules; nothing written is lost."""
    for prefix in prefixes():
        rendered = render(Page((Prose(prefix), Line("⏱ 1 s", "dim"))))
        judge(rendered)
        assert not re.findall(r"\*\*\w+\*\*", rendered.text)
    for sample in SAMPLES:
        lost = lost_words(sample, prose(sample).text)
        assert not lost, lost


def lost_words(markdown: str, shown: str) -> list[str]:
    """Return words of the source that are not shown; addresses of links and fences' names aside."""
    visible = re.sub(r"\]\([^)]*\)", "]", markdown)
    visible = re.sub(r"^[ >]*(```|~~~)\w*", "", visible, flags=re.MULTILINE)
    visible = visible.replace("&lt;", "<").replace("&gt;", ">")
    return [word for word in re.findall(r"\w+", visible) if word.strip("_") not in shown]


@settings(max_examples=20_000 if FULL else 400, deadline=None)
@given(
    st.text(
        st.sampled_from("ab c\n\n*_`~|[]()<>#-+>1.\\&;\t é👩‍👧🎉\u0301\u202e\x00"),
        max_size=60,
    )
)
def test_any_text_is_taken_by_telegram(text: str) -> None:
    rendered = prose(text)
    if rendered.text:
        judge(rendered)
    if "~~~" not in text and "```" not in text and "](" not in text:  # names and addresses
        assert all(sign in rendered.text for sign in text if sign in "abcé")


BLOCKS: st.SearchStrategy[Block] = st.one_of(
    st.builds(Prose, st.sampled_from(SAMPLES)),
    st.builds(Line, st.text("ab 🎉*_", max_size=9), st.sampled_from(["plain", "dim", "bold"])),
    st.builds(Fold, st.text("ab 🎉", max_size=9), st.text("ab\n 🎉", max_size=30)),
)


@settings(max_examples=2000 if FULL else 100, deadline=None)
@given(st.lists(BLOCKS, max_size=4))
def test_any_page_is_taken_by_telegram(found: list[Block]) -> None:
    rendered = render(Page(tuple(found)))
    if rendered.text.strip():
        judge(rendered)


def test_every_page_of_a_long_answer_fits_and_is_taken() -> None:
    """The live message on Telegram's own surface: pages, prefixes, entities."""
    surface = TelegramSurface()
    live = LiveMessage(TurnId(1), surface, 0.0, LiveOptions(show_thinking=True))
    live.feed(ToolEvent("a", "clock", {"zone": "UTC"}, "noon", True, 0.1), 2.0)
    text = "\n\n".join(SAMPLES * 8)
    for start in range(0, len(text), 97):
        live.feed(TextDelta(text[start : start + 97]), 2.0)
        page = live.pages(2.0)[-1]
        assert surface.fits(page)
        judge(render(page))
    live.feed(StreamEnd(text, 10, 100, 1.0, 1, 10), 3.0)
    pages = live.pages(3.0)
    assert len(pages) > 2
    for page in pages:
        rendered = render(page)
        assert units(rendered.text) <= LENGTH_LIMIT
        judge(rendered)
