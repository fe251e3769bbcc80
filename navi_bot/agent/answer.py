"""One answer of the model, as it comes in."""

from collections.abc import Callable

from navi_bot.agent.feed import Tell
from navi_bot.events import TextDelta, ThinkingDelta, ThinkingEnd
from navi_bot.messages import ToolCall
from navi_bot.ports.agent import Repetition
from navi_bot.ports.model import Chunk


class Answer:
    """Gathers chunks and tells what they bring; a chunk may bring several things."""

    def __init__(self, tell: Tell, repetition: Callable[[], Repetition]) -> None:
        self.text = ""
        self.thinking = ""
        self.calls: tuple[ToolCall, ...] = ()
        self.finish = ""
        self.tokens = (0, 0)
        """Of the prompt and of the answer, as the host counted them."""
        self.begun = False
        self.repeating = False
        self._tell = tell
        self._thinks = False
        self._in_text = repetition()
        self._in_thinking = repetition()

    @property
    def empty(self) -> bool:
        return not self.calls and not self.text.strip()

    def take(self, chunk: Chunk) -> None:
        self.begun = True
        if chunk.thinking:
            self.thinking += chunk.thinking
            self._thinks = True
            self._tell(ThinkingDelta(chunk.thinking))
            self.repeating |= self._in_thinking.feed(chunk.thinking)
        if chunk.text:
            self.close_thinking()
            self.text += chunk.text
            self._tell(TextDelta(chunk.text))
            self.repeating |= self._in_text.feed(chunk.text)
        self.calls += chunk.tool_calls
        if chunk.finish:
            self.finish = chunk.finish
            self.tokens = (chunk.prompt_tokens, chunk.completion_tokens)

    def close_thinking(self) -> None:
        """Tell that the thinking is over, if it was open."""
        if self._thinks:
            self._thinks = False
            self._tell(ThinkingEnd())
