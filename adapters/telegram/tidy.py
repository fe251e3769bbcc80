"""Markdown as a model writes it, made safe to be cut anywhere; pure.

A text that still streams ends in the middle of things. What is open at its
end is closed, so that it looks from the start as it will look.

What the converter would swallow (tags, definitions of links, underscores of
addresses, the signs of money and of shell variables) travels through it as
stand-ins: signs that mean nothing to it, one for one, so that the offsets
stay true.
"""

import re

from adapters.telegram.tables import links_below

_STAND_INS = {"<": "\ufdd0", "$": "\ufdd1", "[": "\ufdd2", "_": "\ufdd3"}
"""Noncharacters: no text has a use for them."""

_RESTORED = str.maketrans({stand_in: sign for sign, stand_in in _STAND_INS.items()})
_FOREIGN = str.maketrans(dict.fromkeys(_STAND_INS.values(), "\ufffd"))

_SWALLOWED = re.compile(
    r"(?P<escaped>\\[\s\S])"
    r"|(?P<mathematics>\$\$(?:(?!\$\$)[\s\S])+\$\$"
    r"|(?<![\w$])\$(?=\S)(?:[^$\s]+|[^$\n]*[\\^_=+{][^$\n]*)(?<![\s\\])\$(?![\w$({]))"
    r"|(?P<address>(?<![A-Za-z])[A-Za-z]{2,12}://[^\s<`|)\[\]*\\]+)"
    r"|[<$]"
    r"|\[(?=(?:\\[\s\S]|[^\]\\]){0,200}\]:)"  # the definition of a link
    r"|\[(?=\s*\]\()"  # a link without words
)
"""What vanishes, except where it is escaped or mathematics."""

_FENCE = re.compile(r"^([ \t>]*(?:[-*+]|\d+[.)])?[ \t]*)(`{3,}|~{3,})(.*)$")
_MARKER = re.compile(r"[^\s>]")
_SMALL_HEADING = re.compile(r"^([ \t>]*)#{5,6}(?=[ \t]|$)")
_UNDERLINE = re.compile(r"(?<=[^\s>])\n[ \t>]*(?:-{1,2}|={1,2}|\+|\*)$")
"""A last line that may still become a list, a rule or the line below a heading."""

_OPENER = re.compile(
    r"\n[ \t>]*(?=\n)|^[ \t>]*#{1,6}[ \t].*\n|^[ \t>]*(?:[-*+]|\d{1,9}[.)])[ \t]+", re.MULTILINE
)
"""What ends the reach of a mark that was opened before it."""

_ROW = re.compile(r"[ \t>]*\|(?!\|)")
_TICKS = re.compile(r"`+")
_ESCAPED = re.compile(r"\\[!-/:-@\[-`{-~]")
_MARK = re.compile(r"\*{1,3}|_{1,3}|~~|\|\|")
_LAST_MARK = re.compile(r"(?:\*{1,3}|_{1,3}|~{1,2}|\|{1,2})$")


def tidy(markdown: str) -> str:
    """Return the same text with everything closed and nothing that vanishes.

    `restored` takes the stand-ins out of what was made of it.
    """
    done: list[str] = []
    prose: list[str] = []
    fence, indent = "", ""
    for line in _veiled(markdown).split("\n"):
        match = _FENCE.match(line)
        if fence:
            done.append(line)
            fence = "" if match and _closes(match, fence) else fence
        elif match and (match[2][0] == "~" or "`" not in match[3]):
            done += links_below(prose)
            prose = []
            if done and done[-1].strip() and not match[1].strip(" \t"):
                done.append("")  # in a list the converter would join the lines
            fence, indent = match[2], _MARKER.sub(" ", match[1])
            done.append(line)
        else:
            prose.append(_SMALL_HEADING.sub(r"\1####", line))
    if not fence:
        return "\n".join([*done, *links_below(_closed("\n".join(prose)).split("\n"))])
    if len(done[-1].strip()) < len(fence) and not done[-1].strip(f" \t{fence[0]}"):
        done.pop()  # the end of the fence, on its way
    return "\n".join([*done, indent + fence])


def restored(text: str) -> str:
    """Return a text with the signs again for which stand-ins stood."""
    return text.translate(_RESTORED)


def _veiled(markdown: str) -> str:
    return _SWALLOWED.sub(_veil, markdown.translate(_FOREIGN))


def _veil(match: re.Match[str]) -> str:
    if match["escaped"]:
        return match[0]
    if match["mathematics"]:
        return match[0].replace("<", _STAND_INS["<"])
    if match["address"]:
        return match[0].replace("_", _STAND_INS["_"]).replace("$", _STAND_INS["$"])
    return _STAND_INS[match[0]]


def _closes(match: re.Match[str], fence: str) -> bool:
    return match[2][0] == fence[0] and len(match[2]) >= len(fence) and not match[3].strip()


def _closed(text: str) -> str:
    """Close what is open at the end of a text without open fences."""
    text = _UNDERLINE.sub("", text.rstrip())
    begin = _reach(text)
    head, tail = text[:begin], text[begin:]
    ticks = _open_code(tail)
    if ticks is None:
        return head + _closed_marks(tail)
    before, code = tail[: ticks.start()], tail[ticks.end() :].rstrip("` ")
    if not code:
        return head + _closed_marks(before.rstrip())
    return "".join([head, before, ticks[0], code, ticks[0], _closing(before)])


def _reach(text: str) -> int:
    """Return where the stretch begins in which marks may still be open."""
    begin = 0
    for match in _OPENER.finditer(text):
        begin = match.end()
    line = text.rfind("\n") + 1
    if _ROW.match(text, line):
        begin = max(begin, text.rfind("|") + 1)
    return begin


def _spans(text: str) -> list[tuple[int, int, bool]]:
    """Return (start, end, is_code) of the stretches of a text without fences."""
    spans: list[tuple[int, int, bool]] = []
    start = place = 0
    while (ticks := _next_ticks(text, place)) is not None:
        end = _closing_ticks(text, ticks)
        if end is None:
            place = ticks.end()
            continue
        spans += [(start, ticks.start(), False), (ticks.start(), end, True)]
        start = place = end
    return [*spans, (start, len(text), False)]


def _next_ticks(text: str, place: int) -> re.Match[str] | None:
    ticks = _TICKS.search(text, place)
    while ticks is not None and _is_escaped(text, ticks.start()):
        ticks = _TICKS.search(text, ticks.start() + 1)
    return ticks


def _closing_ticks(text: str, ticks: re.Match[str]) -> int | None:
    """Return the end of the code that begins with these ticks."""
    for other in _TICKS.finditer(text, ticks.end()):
        if len(other[0]) == len(ticks[0]):
            return other.end()
    return None


def _is_escaped(text: str, place: int) -> bool:
    slashes = place
    while slashes and text[slashes - 1] == "\\":
        slashes -= 1
    return (place - slashes) % 2 == 1


def _open_code(tail: str) -> re.Match[str] | None:
    """Return the ticks of a code span left open."""
    return _next_ticks(tail, _spans(tail)[-1][0])


def _closed_marks(tail: str) -> str:
    """Close what is emphasised at the end, innermost first; a mark alone goes."""
    last = _LAST_MARK.search(tail)
    if last is None or _is_escaped(tail, last.start()):
        return tail + _closing(tail)
    body = tail[: last.start()]
    closing = _closing(body)
    if closing.startswith(last[0]):
        return body.rstrip() + closing
    if not body or body[-1].isspace():
        return _closed_marks(body.rstrip())
    return tail + _closing(tail)


def _closing(tail: str) -> str:
    """Return what closes the open marks; an underscore may be the beginning of a name."""
    return "".join(mark for mark in reversed(_open_marks(tail)) if mark[0] != "_")


def _open_marks(tail: str) -> list[str]:
    """Return the marks that are open at the end, outermost first."""
    opened: list[str] = []
    for start, end, is_code in _spans(tail):
        if is_code:
            continue
        piece = _ESCAPED.sub("xx", tail[start:end])
        for match in _MARK.finditer(piece):
            before = tail[max(0, start + match.start() - 1) : start + match.start()] or " "
            after = tail[start + match.end() : start + match.end() + 1] or " "
            _take(match[0], before, after, opened)
    return opened


def _take(mark: str, before: str, after: str, opened: list[str]) -> None:
    """Let a run of marks close what it can, and open the rest."""
    if mark[0] == "_" and before.isalnum() and after.isalnum():
        return
    while mark and not before.isspace():
        fitting = [place for place, each in enumerate(opened) if mark.startswith(each)]
        if not fitting:
            break
        mark = mark[len(opened[fitting[-1]]) :]
        del opened[fitting[-1] :]
    if mark and not after.isspace() and (mark[0] != "_" or not before.isalnum()):
        opened += [mark[0], mark[1:]] if len(mark) == 3 else [mark]
