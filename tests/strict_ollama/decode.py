"""A chat request's body, decoded with the strictness of Go's encoding/json.

Unknown fields are ignored, null leaves the zero value, a wrong type is an
error that names the field. What the server's structs have no field for (a
tool property's `default`, say) never reaches the model.
"""

import base64
import binascii
import json
import re
from collections.abc import Callable
from typing import Any

from strict_ollama.refusal import Refusal

Json = dict[str, Any]
Decoder = Callable[[Any, str], Any]

THINK_LEVELS = ("high", "medium", "low", "max")
_DURATION = re.compile(r"-?(\d+(\.\d*)?(ns|us|µs|ms|s|m|h))+")
_INTEGERS = (
    "num_ctx",
    "num_batch",
    "num_gpu",
    "main_gpu",
    "num_thread",
    "num_keep",
    "seed",
    "num_predict",
    "top_k",
    "repeat_last_n",
)
_FLOATS = (
    "temperature",
    "top_p",
    "min_p",
    "typical_p",
    "repeat_penalty",
    "presence_penalty",
    "frequency_penalty",
)


def body_of(data: bytes) -> Json:
    """Return the JSON object of a body, or refuse as the server does."""
    if not data.strip():
        raise Refusal(400, "missing request body")
    try:
        found = json.loads(data)
    except UnicodeDecodeError as error:
        raise Refusal(400, "invalid character '\\ufffd' in string literal") from error
    except json.JSONDecodeError as error:
        raise Refusal(400, _syntax(error)) from error
    if not isinstance(found, dict):
        raise Refusal(
            400, f"json: cannot unmarshal {_kind(found)} into Go value of type api.ChatRequest"
        )
    return found


def chat_request(data: bytes) -> Json:
    """Return a decoded ChatRequest; absent fields are absent."""
    return _struct(
        body_of(data),
        "ChatRequest",
        {
            "model": _string,
            "messages": _list_of(_message),
            "stream": _bool,
            "format": _anything,
            "keep_alive": _duration,
            "tools": _list_of(_tool),
            "options": _object,
            "think": _think,
            "truncate": _bool,
            "shift": _bool,
            "logprobs": _bool,
            "top_logprobs": _integer,
            "_debug_render_only": _bool,
        },
    )


def check_options(options: Json) -> None:
    """Refuse options of a wrong type; unknown ones only cause a warning."""
    for name, value in options.items():
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if (name in _INTEGERS and not number) or (name in _FLOATS and not number):
            kind = "integer" if name in _INTEGERS else "float32"
            raise Refusal(500, f'option "{name}" must be of type {kind}')
        if name == "stop" and not isinstance(value, list):
            raise Refusal(500, 'option "stop" must be of type array')
        if name == "use_mmap" and not isinstance(value, bool):
            raise Refusal(500, 'option "use_mmap" must be of type boolean')


def _struct(value: Any, where: str, fields: dict[str, Decoder]) -> Json:
    if not isinstance(value, dict):
        raise _mismatch(value, where, "api." + where.rpartition(".")[2].title())
    return {
        name: decode(value[name], f"{where}.{name}")
        for name, decode in fields.items()
        if value.get(name) is not None
    }


def _message(value: Any, where: str) -> Json:
    message = _struct(
        value,
        where,
        {
            "role": _string,
            "content": _string,
            "thinking": _string,
            "images": _list_of(_image),
            "tool_calls": _list_of(_call),
            "tool_name": _string,
            "tool_call_id": _string,
        },
    )
    return {"content": "", **message, "role": message.get("role", "").lower()}


def _call(value: Any, where: str) -> Json:
    call = _struct(value, where, {"id": _string, "function": _called})
    return {**call, "function": call.get("function") or {"name": "", "arguments": {}}}


def _called(value: Any, where: str) -> Json:
    called = _struct(value, where, {"index": _integer, "name": _string, "arguments": _object})
    return {"index": 0, "name": "", "arguments": {}, **called}


def _tool(value: Any, where: str) -> Json:
    return _struct(value, where, {"type": _string, "items": _anything, "function": _function})


def _function(value: Any, where: str) -> Json:
    return _struct(
        value, where, {"name": _string, "description": _string, "parameters": _parameters}
    )


def _parameters(value: Any, where: str) -> Json:
    return _struct(
        value,
        where,
        {
            "type": _string,
            "$defs": _anything,
            "items": _anything,
            "required": _list_of(_string),
            "properties": _properties,
        },
    )


def _properties(value: Any, where: str) -> Json:
    found = _object(value, where)
    return {name: _property(each, where) for name, each in found.items()}


def _property(value: Any, where: str) -> Json:
    return _struct(
        value,
        where,
        {
            "anyOf": _list_of(_property),
            "type": _property_type,
            "items": _anything,
            "description": _string,
            "enum": _list_of(_anything),
            "properties": _properties,
            "required": _list_of(_string),
        },
    )


def _property_type(value: Any, where: str) -> Any:
    return value if isinstance(value, str) else _list_of(_string)(value, where)


def _list_of(decode: Decoder) -> Decoder:
    def decoder(value: Any, where: str) -> list[Any]:
        if not isinstance(value, list):
            raise _mismatch(value, where, "[]")
        return [decode(each, where) for each in value]

    return decoder


def _string(value: Any, where: str) -> str:
    if not isinstance(value, str):
        raise _mismatch(value, where, "string")
    return value


def _bool(value: Any, where: str) -> bool:
    if not isinstance(value, bool):
        raise _mismatch(value, where, "bool")
    return value


def _integer(value: Any, where: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise _mismatch(value, where, "int")
    return value


def _object(value: Any, where: str) -> Json:
    if not isinstance(value, dict):
        raise _mismatch(value, where, "map[string]interface {}")
    return value


def _anything(value: Any, where: str) -> Any:
    return value


def _image(value: Any, where: str) -> str:
    text = _string(value, where)
    try:
        base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise Refusal(400, "illegal base64 data at input byte 0") from error
    return text


def _duration(value: Any, where: str) -> Any:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise Refusal(400, f"unsupported type: {_kind(value)}")
    if isinstance(value, str) and value != "0" and not _DURATION.fullmatch(value):
        bare = re.fullmatch(r"-?\d+(\.\d*)?", value)
        fault = "missing unit in duration" if bare else "invalid duration"
        raise Refusal(400, f'time: {fault} "{value}"')
    return value


def _think(value: Any, where: str) -> Any:
    if isinstance(value, bool) or value in THINK_LEVELS:
        return value
    if isinstance(value, str):
        raise Refusal(
            400,
            f'invalid think value: "{value}" (must be "high", "medium", "low", "max", true, '
            "or false)",
        )
    raise Refusal(
        400, 'think must be a boolean or string ("high", "medium", "low", "max", true, or false)'
    )


def _mismatch(value: Any, where: str, wanted: str) -> Refusal:
    return Refusal(
        400,
        f"json: cannot unmarshal {_kind(value)} into Go struct field {where} of type {wanted}",
    )


def _kind(value: Any) -> str:
    match value:
        case bool():
            return "bool"
        case int() | float():
            return "number"
        case str():
            return "string"
        case list():
            return "array"
        case _:
            return "object"


def _syntax(error: json.JSONDecodeError) -> str:
    if error.pos >= len(error.doc):
        return "unexpected EOF"
    return f"invalid character '{error.doc[error.pos]}' looking for beginning of value"
