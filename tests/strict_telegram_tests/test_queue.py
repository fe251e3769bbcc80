"""The update queue against a plain list, in any order of events."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from scale import scaled
from strict_telegram.updates import FUTURE, KINDS, LIFETIME, NOT_BY_DEFAULT, Update, UpdateQueue

START = 1000
EXAMPLES = scaled(60, 2000)


class Queue(RuleBasedStateMachine):
    """What is stored is what arrived, was not confirmed and is younger than a day."""

    def __init__(self) -> None:
        super().__init__()
        self.queue = UpdateQueue(START)
        self.now = 0.0
        self.model: list[tuple[int, float]] = []

    @rule()
    def arrives(self) -> None:
        found = self.queue.add("message", {"message_id": 1}, self.now)
        assert found == self.queue.next_id - 1
        self.model.append((found, self.now))

    @rule(seconds=st.floats(0, LIFETIME / 3))
    def time_passes(self, seconds: float) -> None:
        self.now += seconds

    @rule(ahead=st.integers(-5, FUTURE), limit=st.integers(1, 100))
    def is_polled(self, ahead: int, limit: int) -> None:
        self._poll(self.queue.next_id + ahead, limit)

    @rule(last=st.integers(1, 8))
    def is_polled_from_the_end(self, last: int) -> None:
        self.model = [(key, at) for key, at in self.model if key >= self.queue.next_id - last]
        self._check(self.queue.take(-last, 100, self.now), 100)

    @rule(limit=st.integers(1, 3))
    def is_polled_without_offset(self, limit: int) -> None:
        self._check(self.queue.take(0, limit, self.now), limit)

    @rule(beyond=st.integers(FUTURE + 1, 10_000))
    def is_polled_with_a_strange_offset(self, beyond: int) -> None:
        self._check(self.queue.take(self.queue.next_id + beyond, 100, self.now), 100)

    @invariant()
    def ids_rise(self) -> None:
        ids = [update.id for update in self.queue.pending]
        assert ids == sorted(set(ids))

    def _poll(self, offset: int, limit: int) -> None:
        self.model = [(key, at) for key, at in self.model if key >= offset]
        self._check(self.queue.take(offset, limit, self.now), limit)

    def _check(self, batch: list[Update], limit: int) -> None:
        self.model = [(key, at) for key, at in self.model if self.now < at + LIFETIME]
        assert [update.id for update in batch] == [key for key, _ in self.model][:limit]


TestQueue = Queue.TestCase
TestQueue.settings = settings(max_examples=EXAMPLES, stateful_step_count=30, deadline=None)


def test_a_batch_is_capped_in_bytes() -> None:
    """real-parts §3: about 4 MiB a batch."""
    queue = UpdateQueue(START)
    for _ in range(10):
        queue.add("message", {"text": "x" * 1_000_000}, 0.0)
    assert len(queue.take(0, 100, 0.0)) == 4


def test_known_kinds_are_filtered_unknown_ones_never() -> None:
    queue = UpdateQueue(START)
    queue.allow('["Message", "no_such_kind"]')
    assert queue.allowed == {"message"}
    assert queue.add("callback_query", {}, 0.0) is None
    assert queue.add("from_the_future", {}, 0.0) == START


def test_nonsense_leaves_the_kinds_alone() -> None:
    queue = UpdateQueue(START)
    queue.allow('["message"]')
    for nonsense in ("", "{", "5", "[5]"):
        queue.allow(nonsense)
        assert queue.allowed == {"message"}
    queue.allow("[]")
    assert queue.allowed == set(KINDS) - NOT_BY_DEFAULT
