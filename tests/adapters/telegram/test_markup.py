"""Pages as text with entities: how things look, and what fits."""

import pytest
from telegram_judge import judge, pieces

from adapters.telegram.markup import (
    ENTITY_LIMIT,
    LENGTH_LIMIT,
    Rendered,
    TelegramSurface,
    plain,
    render,
)
from navi_bot.messages import Fold, Line, Page, Prose


def prose(markdown: str) -> Rendered:
    return render(Page((Prose(markdown),)))


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
    "a link of another kind": (
        "[x](javascript:f(1)) *b*",
        "x (javascript:f(1)) b",
        [("italic", "b")],
    ),
    "a link to nowhere": ("[x](foo)", "x (foo)", []),
    "a link that Telegram refuses": (
        "**[x](http://localhost:80)**",
        "x (http://localhost:80)",
        [("bold", "x")],
    ),
    "a link named by itself": ("[foo/bar](foo/bar)", "foo/bar", []),
    "a mail address": ("[mail](mailto:a@b.org)", "mail (a@b.org)", []),
    "a link without words": ("[](http://x.y)", "[](http://x.y)", []),
    "a link on code": ("[`f`](https://x.org)", "f", [("text_link", "f")]),
    "a picture": ("![alt](https://x.org/i.png)", "alt", [("text_link", "alt")]),
    "a definition of a link": (
        "[1]: https://x.org\n\nsee [1]",
        "[1]: https://x.org\n\nsee [1]",
        [],
    ),
    "an address with underscores": ("https://x.org/_a_/b", "https://x.org/_a_/b", []),
    "a small heading": ("##### five", "five", [("bold", "five")]),
    "variables and prices": ("$HOME/$USER, $5 or 6$", "$HOME/$USER, $5 or 6$", []),
    "mathematics": ("$x^2$ $5", "x^2 $5", [("code", "x^2")]),
    "code by indentation": ("a\n\n    <b>$x\n", "a\n\n<b>$x", [("pre", "<b>$x")]),
    "tabs in code": ("```\nif:\n\tx\n```", "if:\n    x", [("pre", "if:\n    x")]),
    "a table": (
        "|a|b|\n|-|-|\n|cd|e|",
        "a  | b\n---+--\ncd | e",
        [("pre", "a  | b\n---+--\ncd | e")],
    ),
    "links of a table": (
        "|a|\n|-|\n|[x](http://y.z)|",
        "a\n-\nx\n\nx",
        [("pre", "a\n-\nx"), ("text_link", "x")],
    ),
    "lines of other systems": ("a\r\nb\rc\u2028d", "a\nb\nc\nd", []),
    "a list in a quote": ("> - a\n\nb", "• a\n\nb", [("blockquote", "• a")]),
    "code of blanks": ("a `  ` b", "a    b", []),
    "blanks in code": ("a `` `x` `` b", "a `x` b", [("code", "`x`")]),
    "a ring above": ("a\u030a", "å", []),
    "half an emoji": ("a\ud83c \ud83c\udf89", "a\ufffd 🎉", []),
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
    "half of the closing mark": ("so **bol*", "so bol", [("bold", "bol")]),
    "the closing mark of one inside": ("**b *i*", "b i", [("bold", "b i"), ("italic", "i")]),
    "a mark after a blank": ("**bold **", "bold", [("bold", "bold")]),
    "half of a fence's end": ("```\nx\n``", "x", [("pre", "x")]),
    "a tick alone": ("so `", "so", []),
    "a spoiler": ("||hid|", "hid", [("spoiler", "hid")]),
    "a line that may be a list": ("Here:\n-", "Here:", []),
    "a name": ("call _private", "call _private", []),
    "an item before": ("- **a\n- b", "• **a\n• b", []),
    "a cell": ("|a|\n|-|\n|**b", "a\n-\nb", [("pre", "a\n-\nb")]),
    "a quote with code": ("> ```\n> co", "co", [("blockquote", "co"), ("pre", "co")]),
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
        ("```\n" + "#a " * 500, True),
        ("#a " * (ENTITY_LIMIT + 1), False),
        ("[a](foo) " * 300, True),
        ("[a](" + "f" * 50 + ") ", True),
        ("|" + "a" * 1000 + "|\n|-|\n" + "|b|\n" * 4, False),
        ("word " * 100_000, False),
    ],
)
def test_a_page_fits_what_telegram_takes(text: str, fits: bool) -> None:
    assert TelegramSurface().fits(Page((Prose(text),))) is fits
