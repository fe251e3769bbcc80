"""Lines end at newline bytes and nowhere else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from navi_bot.models.lines import Lines, LineTooLong


@given(
    st.lists(st.binary(max_size=20).map(lambda data: data.replace(b"\n", b"")), max_size=8),
    st.binary(max_size=10).map(lambda data: data.replace(b"\n", b"")),
    st.integers(min_value=1, max_value=7),
)
def test_lines_are_found_however_they_are_cut(lines: list[bytes], rest: bytes, size: int) -> None:
    """Any cutting of a stream gives the same lines."""
    whole = b"".join(line + b"\n" for line in lines) + rest
    reader = Lines()
    found = [
        line for at in range(0, len(whole), size) for line in reader.feed(whole[at : at + size])
    ]
    assert found == lines
    assert reader.rest() == rest


@pytest.mark.parametrize("mark", ["\u0085", "\u2028", "\u2029", "\x0b", "\x0c", "\x1c", "\r"])
def test_other_line_marks_do_not_end_a_line(mark: str) -> None:
    """JSON may hold them unescaped."""
    assert Lines().feed(f"a{mark}b\n".encode()) == [f"a{mark}b".encode()]


def test_a_line_over_the_limit_is_refused() -> None:
    """A host that never ends a line cannot fill the memory."""
    lines = Lines(limit=10)
    assert lines.feed(b"12345\n12345") == [b"12345"]
    with pytest.raises(LineTooLong):
        lines.feed(b"678901")
