"""The live message under any history: its invariants, step by step."""

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from live.paper import Paper, end, prose, words
from scale import FULL, scaled

from navi_bot.events import (
    Event,
    ModelStarted,
    Notice,
    PlanReady,
    Queued,
    Steered,
    StreamFailed,
    StreamStopped,
    TextDelta,
    ThinkingDelta,
    ThinkingEnd,
    Todo,
    TodoChanged,
    ToolEvent,
    ToolStarted,
    Waiting,
)
from navi_bot.live import LiveMessage, LiveOptions
from navi_bot.live.pager import MOST_PAGES
from navi_bot.messages import Page, TurnId

EXAMPLES = scaled(200, 1500)
STEPS = 150
"""200 histories of up to 150 steps: more than 20,000."""

WORDS = st.text(st.sampled_from("ab .\n*é👩‍👧"), min_size=1, max_size=40)
ROOMS = st.integers(700, 1500)
PHRASES = st.text(st.sampled_from("xyz .\n"), min_size=1, max_size=300)
OTHERS: st.SearchStrategy[Event] = st.one_of(
    st.builds(Queued, st.integers(1, 9)),
    st.builds(ModelStarted, st.integers(1, 9), st.just(40), st.just("tiny")),
    st.builds(ThinkingDelta, PHRASES),
    st.just(ThinkingEnd()),
    st.builds(Notice, st.just("A note.")),
    st.builds(Waiting, st.just("The host does not answer.")),
    st.builds(Steered, PHRASES),
    st.builds(PlanReady, PHRASES),
    st.builds(
        TodoChanged,
        st.lists(
            st.builds(Todo, st.just("an item"), st.sampled_from(["open", "active", "done"])),
            max_size=6,
        ).map(tuple),
    ),
)


def written(text: str) -> str:
    """Return a text without its blanks: a page of blanks alone is not shown."""
    return "".join(text.split())


class AnyTurn(RuleBasedStateMachine):
    """One turn whose events come in any order."""

    @initialize(room=ROOMS, thinking=st.booleans(), notify=st.booleans())
    def begins(self, room: int, thinking: bool, notify: bool) -> None:
        self.begin(room, thinking, notify)

    @precondition(lambda self: self.live.final)
    @rule(room=ROOMS, thinking=st.booleans(), notify=st.booleans())
    def begins_another(self, room: int, thinking: bool, notify: bool) -> None:
        self.begin(room, thinking, notify)

    def begin(self, room: int, thinking: bool, notify: bool) -> None:
        self.paper = Paper(room)
        options = LiveOptions(thinking, notify_after=20.0 if notify else 1e9)
        self.live = LiveMessage(TurnId(1), self.paper, 0.0, options)
        self.now = 0.0
        self.text = ""
        """Since the last tool."""
        self.open: list[str] = []
        self.calls = 0
        self.frozen: tuple[Page, ...] = ()

    def feed(self, event: Event) -> None:
        self.live.feed(event, self.now)

    @precondition(lambda self: not self.live.final and not self.open)
    @rule(words=WORDS, times=st.integers(1, 60))
    def says(self, words: str, times: int) -> None:
        for _ in range(times):
            self.feed(TextDelta(words))
        self.text += words * times

    @precondition(lambda self: not self.live.final)
    @rule(event=OTHERS)
    def happens(self, event: Event) -> None:
        self.feed(event)

    @precondition(lambda self: not self.live.final and len(self.open) < 3)
    @rule()
    def begins_a_tool(self) -> None:
        self.calls += 1
        call = f"c{self.calls}"
        self.open.append(call)
        self.feed(ToolStarted(call, "clock", {"zone": "UTC"}))
        self.text = ""

    @precondition(lambda self: not self.live.final and self.open)
    @rule(success=st.booleans())
    def ends_a_tool(self, success: bool) -> None:
        call = self.open.pop(0)
        self.feed(ToolEvent(call, "clock", {}, "noon", success, 0.1))

    @precondition(lambda self: not self.live.final)
    @rule(seconds=st.floats(0.01, 20))
    def time_passes(self, seconds: float) -> None:
        self.now += seconds

    @precondition(lambda self: not self.live.final and self.now > 30 and not self.open)
    @rule()
    def answers(self) -> None:
        self.feed(end(self.text))
        pages, apart = self.live.settled()
        shown = pages if apart is None else apart
        if not self.text.strip():
            assert "gave no answer" in words(pages[-1])
        elif shown[-1].document is not None:
            assert shown[-1].document.text == self.text
        else:
            assert written("".join(prose(shown))).endswith(written(self.text))
        if apart is not None:
            assert written("".join(prose(apart))) == written(self.text)
            self._hold(apart)

    @precondition(lambda self: not self.live.final and self.now > 30)
    @rule(event=st.sampled_from([StreamStopped(""), StreamFailed("The host is gone.")]))
    def breaks_off(self, event: Event) -> None:
        self.feed(event)
        assert all("⏳" not in words(page) for page in self.live.settled()[0][-1:])

    @invariant()
    def holds(self) -> None:
        pages = self.live.pages(self.now)
        self._hold(pages)
        if not self.live.final:
            assert all(a is b for a, b in zip(self.frozen, pages, strict=False))
            assert len(pages) >= len(self.frozen)
            self.frozen = pages[:-1]
        wakes = self.live.wakes_at(self.now)
        assert wakes is None if self.live.final else wakes is not None and wakes > self.now

    def _hold(self, pages: tuple[Page, ...]) -> None:
        assert len(pages) <= MOST_PAGES
        assert all(self.paper.fits(page) for page in pages)
        assert all(words(page).strip() for page in pages)
        assert all(not page.buttons and page.document is None for page in pages[:-1])


AnyTurn.TestCase.settings = settings(
    max_examples=EXAMPLES,
    stateful_step_count=STEPS,
    deadline=None,
    derandomize=not FULL,
    phases=list(Phase) if FULL else [Phase.generate],  # to shrink a history takes minutes
    suppress_health_check=list(HealthCheck),
)
TestAnyTurn = AnyTurn.TestCase
