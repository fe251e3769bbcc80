"""Every text, cut anywhere, is a message that Telegram takes; no word is lost."""

import re

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scale import scaled
from strict_telegram import markup as tdlib
from telegram_judge import ask, judge, takes_link

from adapters.telegram.entities import cut
from adapters.telegram.links import is_link
from adapters.telegram.markup import (
    ENTITY_LIMIT,
    LENGTH_LIMIT,
    Rendered,
    TelegramSurface,
    plain,
    render,
    units,
)
from navi_bot.events import StreamEnd, TextDelta, ToolEvent
from navi_bot.live import LiveMessage, LiveOptions
from navi_bot.messages import Block, Fold, Line, Page, Prose, TurnId


def prose(markdown: str) -> Rendered:
    return render(Page((Prose(markdown),)))


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
    """Prices: $5 to $6, 7$; paths $HOME/$USER; math $x^2 + y_1$ and $$\\frac{a}{b}$$ done.
See [docs][1], [`code`](https://x.org/a_b), [local](http://localhost:8080/p), [m](mailto:a@b.org).

| name | where |
| --- | --- |
| **one** | [first](https://x.org/_1_) |
| `two` | [second](./two.md) |

<table><tr><td>cell</td></tr></table>
<!-- a comment -->
    indented <code> $here

##### Small heading
* item with https://x.org/_next_/a*b
\t* tabbed
  > quote in item with **bold
  > going on**

[1]: https://docs.org "Title"
[unused]: here
""",
)


HIDDEN = re.compile(
    r"\]\((?:[^()\n]|\([^()\n]*\))*\)"  # where a link leads
    r"|^[ \t>]*(?:[-*+]|\d+\.)?[ \t]*(?:```+|~~~+).*$"  # a fence and its language
    r"|^[ \t>]*\|[-:| \t]+$"  # the line below the head of a table
    r"|\[[ x]\][ ]|&\w+;|\\frac|\d+[.)][ \t]",  # signs for which others stand
    re.MULTILINE,
)
LETTER = re.compile(r"[^\W_]")


def lost_letters(markdown: str, shown: str) -> str:
    """Return what is written, from the first letter on that is not shown in its place."""
    written = LETTER.findall(HIDDEN.sub(" ", markdown))
    rest = iter(LETTER.findall(shown))
    missing = next((n for n, letter in enumerate(written) if letter not in rest), len(written))
    return "".join(written[missing:])


@pytest.mark.parametrize("sample", SAMPLES, ids=range(len(SAMPLES)))
def test_every_prefix_of_a_stream_is_taken_and_shows_every_word(sample: str) -> None:
    """Cut after any character: TDLib takes it as it is, and what was written is there."""
    for end in range(1, len(sample) + 1):
        prefix = sample[:end]
        rendered = render(Page((Prose(prefix), Line("⏱ 1 s", "dim"))))
        judge(rendered)
        assert not lost_letters(prefix, rendered.text), prefix


@pytest.mark.parametrize("sample", SAMPLES, ids=range(len(SAMPLES)))
def test_every_rest_of_a_text_is_taken(sample: str) -> None:
    """A page may begin anywhere too, with the end of what was opened before."""
    for begin in range(0, len(sample), scaled(7, 1)):
        judge(prose(sample[begin:]))


@pytest.mark.parametrize("mark", ["**", "*", "~~", "||", "`", "***"])
def test_a_mark_that_streams_is_never_seen(mark: str) -> None:
    """From the first sign of an emphasis to the last it looks as it will look."""
    text = f"so {mark}one two{mark}"
    for end in range(len(text) - len(mark) - 6, len(text) + 1):
        rendered = prose(text[:end])
        assert not set(mark) & set(rendered.text)
        assert rendered.entities


MARKS = """
** * _ __ ` `` ``` ~~~ ~~ || | [ ]( ) <b> </b> <!-- --> <tg-spoiler> &lt; &amp; $ $$ \\ ! .
](http://x.y/z) ](http://localhost) ](foo) \\frac{a}{b} word --- === |---|---| |a|b| ^2
https://a.org/_b_ @ann #tag /cmd a.org x@y.org [x]: [^1] mailto:a@b.c $AB 1234567890123
é 👩‍👧 🎉 日本 عالم
"""
SIGNS = ["\u0301", "\u202e", "\ufeff", "\u200b", "\x00", "a\u030a", "\ud83c"]
BREAKS = ["\n", "\n\n", "  \n", "\r\n", "\t", "    ", "- ", "1. ", "> ", "# ", "##### ", "```py\n"]
ATOMS = [*MARKS.split(), *SIGNS, *BREAKS]


@settings(max_examples=scaled(600, 20_000), deadline=None)
@given(st.lists(st.sampled_from(ATOMS), max_size=40).map("".join))
def test_any_text_is_taken_by_telegram(text: str) -> None:
    rendered = prose(text)
    if not tdlib.is_blank(rendered.text):
        judge(rendered)


@settings(max_examples=scaled(300, 20_000), deadline=None)
@given(st.text(max_size=60))
def test_any_signs_are_taken_by_telegram(text: str) -> None:
    for rendered in (prose(text), Rendered(plain(Page((Prose(text),))))):
        if not tdlib.is_blank(rendered.text):
            judge(rendered)


@settings(max_examples=scaled(200, 5000), deadline=None)
@given(st.lists(st.sampled_from(ATOMS), max_size=40).map("".join))
def test_what_telegram_finds_by_itself_is_counted(text: str) -> None:
    """Entities over the limit are dropped silently: no page that fits has any."""
    text = (text + " ") * 40
    page = Page((Prose(text[:LENGTH_LIMIT]),))
    if TelegramSurface().fits(page) and not tdlib.is_blank(render(page).text):
        rendered = render(page)
        found = tdlib.detect(rendered.text)
        assert len(rendered.entities) + len(_outside(found, rendered)) <= ENTITY_LIMIT


def _outside(found: tuple[tdlib.Entity, ...], rendered: Rendered) -> list[str]:
    """Return what is found outside of code and links, which hold nothing else."""
    tight = [one for one in rendered.entities if one.type in ("code", "pre", "text_link")]
    return [
        cut(rendered.text, one["offset"], one["offset"] + one["length"])
        for one in found
        if all(
            one["offset"] + one["length"] <= other.offset or other.end <= one["offset"]
            for other in tight
        )
    ]


URLS = st.tuples(
    st.sampled_from(["http://", "https://", "HTTPS://", "tg://", "mailto:", "ftp://", "//", ""]),
    st.text("ab.-_1é@:[]%'", max_size=12),
    st.sampled_from(["", ":", ":0", ":80", ":65535", ":65536", ":99999"]),
    st.sampled_from(["", "/", "/a b", "?c=d#e", "#f", "\\g", "/é\u202e🎉", "/(h)"]),
).map("".join)


@settings(max_examples=scaled(2000, 50_000), deadline=None)
@given(URLS)
@example("tg://é")
@example("http://localhost:8080/")
def test_a_link_that_we_take_telegram_takes(url: str) -> None:
    """One bad link would have the whole message refused."""
    if is_link(url):
        assert takes_link(url)


def test_no_sign_is_cleaned_otherwise_than_by_telegram() -> None:
    """Offsets stay true: of each sign we leave what TDLib leaves, or more readable words."""
    step = scaled(17, 1)
    codes = [
        *range(0x20, 0x3100),
        *range(0x3100, 0xD800, step),
        *range(0xE000, 0x110000, 16 * step),
    ]
    for code in codes:
        text = plain(Page((Line(f"q{chr(code)}b"),)))
        kept = ask({"@type": "getMarkdownText", "text": {"@type": "formattedText", "text": text}})
        assert kept["text"] == text, hex(code)


BLOCKS: st.SearchStrategy[Block] = st.one_of(
    st.builds(Prose, st.sampled_from(SAMPLES)),
    st.builds(
        Line, st.text("ab 🎉*_\t", max_size=9), st.sampled_from(["plain", "dim", "bold", "code"])
    ),
    st.builds(Fold, st.text("ab 🎉", max_size=9), st.text("ab\n 🎉", max_size=30)),
)


@settings(max_examples=scaled(100, 2000), deadline=None)
@given(st.lists(BLOCKS, max_size=4))
def test_any_page_is_taken_by_telegram(blocks: list[Block]) -> None:
    rendered = render(Page(tuple(blocks)))
    if rendered.text:
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
