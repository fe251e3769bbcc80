"""Markdown as a model writes it, made safe to be cut anywhere; pure.

A text that still streams ends in the middle of things. What is open at its
end is closed, so that it looks as it will look; and what the converter would
swallow (tags, footnotes) is made plain text, so that no word is lost.
"""

import re

_FENCE = re.compile(r"^([ \t>]*(?:[-*+]|\d+[.)])?[ \t]*)(`{3,}|~{3,})(.*)$")
_TICKS = re.compile(r"`+")
_ESCAPED = re.compile(r"\\[!-/:-@\[-`{-~]")
_MARK = re.compile(r"\*{1,3}|_{1,3}|~~|\|\|")
_DANGLING = re.compile(r"(?:^|(?<=\s))(?:\*{1,3}|_{1,3}|~~|\|\|)$")
_LOST = re.compile(r"<|\[\^")
"""What begins a tag or a footnote: the converter would drop them."""


def tidy(markdown: str) -> str:
    """Return the same text with everything closed and nothing that vanishes."""
    done: list[str] = []
    prose: list[str] = []
    fence = ""
    indent = ""
    for line in markdown.split("\n"):
        match = _FENCE.match(line)
        if fence:
            done.append(line)
            if match and _closes(match, fence):
                fence = ""
        elif match and (match[2][0] == "~" or "`" not in match[3]):
            done += _plain_tags("\n".join(prose)).split("\n") if prose else []
            prose = []
            if done and done[-1].strip() and match[1].strip(" \t") == "":
                done.append("")  # in a list the converter would join the lines
            fence, indent = match[2], " " * len(match[1])
            done.append(line)
        else:
            prose.append(line)
    if fence:
        done.append(indent + fence)
    elif prose:
        done += _closed(_plain_tags("\n".join(prose))).split("\n")
    return "\n".join(done)


def _closes(match: re.Match[str], fence: str) -> bool:
    return match[2][0] == fence[0] and len(match[2]) >= len(fence) and not match[3].strip()


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
    """Return the end of the code that begins with these ticks, in the same paragraph."""
    limit = text.find("\n\n", ticks.end())
    for other in _TICKS.finditer(text, ticks.end(), len(text) if limit < 0 else limit):
        if len(other[0]) == len(ticks[0]):
            return other.end()
    return None


def _is_escaped(text: str, place: int) -> bool:
    slashes = place - len(text[:place].rstrip("\\"))
    return slashes % 2 == 1


def _plain_tags(text: str) -> str:
    """Escape what begins a tag or a footnote, outside of code."""
    shown: list[str] = []
    for start, end, is_code in _spans(text):
        piece = text[start:end]
        if not is_code:
            piece = _escaped(piece)
        shown.append(piece)
    return "".join(shown)


def _escaped(piece: str) -> str:
    done, place = "", 0
    for match in _LOST.finditer(piece):
        slash = "" if _is_escaped(piece, match.start()) else "\\"
        done += f"{piece[place : match.start()]}{slash}{match[0]}"
        place = match.end()
    return done + piece[place:]


def _closed(text: str) -> str:
    """Close what the last paragraph leaves open."""
    begin = text.rfind("\n\n") + 1
    head, tail = text[:begin], text[begin:]
    stripped = tail.rstrip()
    cut = _DANGLING.sub("", stripped)
    if cut != stripped:
        tail = cut
    if code := _open_code(tail):
        return head + tail + code
    return head + tail.rstrip() + _open_marks(tail) if _open_marks(tail) else head + tail


def _open_code(tail: str) -> str:
    """Return the ticks that close a code span left open, "" if none is."""
    last = _spans(tail)[-1]
    ticks = _next_ticks(tail, last[0])
    if ticks is None or not tail[ticks.end() :].strip():
        return ""
    return ticks[0]


def _open_marks(tail: str) -> str:
    """Return the marks that close what is emphasised at the end, innermost first."""
    open_marks: list[str] = []
    for start, end, is_code in _spans(tail):
        if is_code:
            continue
        for match in _MARK.finditer(_ESCAPED.sub("xx", tail[start:end])):
            before = tail[start + match.start() - 1] if start + match.start() else " "
            after = tail[start + match.end()] if start + match.end() < len(tail) else " "
            if match[0] in open_marks and not before.isspace():
                while open_marks and open_marks.pop() != match[0]:
                    pass
            elif not after.isspace() and (match[0][0] != "_" or not before.isalnum()):
                open_marks.append(match[0])
    return "".join(reversed(open_marks))
