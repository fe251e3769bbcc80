"""Answers that are errors, with the server's own words."""

import json


class Refusal(Exception):
    """An error answer: `{"error": text}` with a status."""

    def __init__(self, status: int, text: str, **more: str) -> None:
        super().__init__(text)
        self.status = status
        self.body = {"error": text, **more}


def not_found(model: str) -> Refusal:
    return Refusal(404, f"model '{model}' not found")


def queue_full() -> Refusal:
    return Refusal(503, "server busy, please try again.  maximum pending requests exceeded")


def overflow(prompt_tokens: int, num_ctx: int) -> Refusal:
    """Refuse as the runner does; its JSON comes as a string inside the error."""
    error = {
        "code": 400,
        "message": (
            f"request ({prompt_tokens} tokens) exceeds the available context size "
            f"({num_ctx} tokens), try increasing it"
        ),
        "type": "exceed_context_size_error",
        "n_prompt_tokens": prompt_tokens,
        "n_ctx": num_ctx,
    }
    return Refusal(400, json.dumps({"error": error}, separators=(",", ":")))


def too_long_without_shift() -> Refusal:
    return Refusal(
        400,
        "the prompt is longer than the context length currently available to the model; shorten "
        "the prompt, adjust the context length in settings, or use a model with a longer context "
        "length",
    )
