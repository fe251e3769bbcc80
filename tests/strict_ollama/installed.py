"""Models as the server has them installed."""

import hashlib
from dataclasses import dataclass, field
from typing import Any

from strict_ollama.steps import Answer, Script, in_turn

MODIFIED_AT = "2026-11-01T09:00:00Z"


def full_tag(name: str) -> str:
    """Return a name with its tag: "qwen3" is "qwen3:latest"."""
    return name if ":" in name.rpartition("/")[2] else f"{name}:latest"


def registry_name(name: str) -> str:
    """Return the fully qualified name that capability errors use."""
    tagged = full_tag(name)
    missing = {0: "registry.ollama.ai/library/", 1: "registry.ollama.ai/", 2: ""}
    return missing[min(tagged.count("/"), 2)] + tagged


@dataclass(frozen=True, slots=True)
class Installed:
    """An installed model and what it says. `load_seconds` is spent at each (re)load."""

    name: str
    says: Script | Answer = ()
    capabilities: tuple[str, ...] = ("completion", "tools")
    context_length: int = 131072
    family: str = "llama"
    load_seconds: float = 0.0
    size: int = 4_900_000_000
    parameters: str = "8.0B"
    info: dict[str, Any] = field(default_factory=dict)
    """Further keys of `model_info`."""

    @property
    def script(self) -> Script:
        return self.says if callable(self.says) else in_turn(self.says)

    @property
    def digest(self) -> str:
        return hashlib.sha256(full_tag(self.name).encode()).hexdigest()

    @property
    def details(self) -> dict[str, Any]:
        return {
            "parent_model": "",
            "format": "gguf",
            "family": self.family,
            "families": [self.family],
            "parameter_size": self.parameters,
            "quantization_level": "Q4_K_M",
        }

    @property
    def listed(self) -> dict[str, Any]:
        """The model as /api/tags lists it."""
        tagged = full_tag(self.name)
        return {
            "name": tagged,
            "model": tagged,
            "modified_at": MODIFIED_AT,
            "size": self.size,
            "digest": self.digest,
            "details": self.details,
            "capabilities": list(self.capabilities),
        }

    @property
    def shown(self) -> dict[str, Any]:
        """The model as /api/show describes it."""
        return {
            "modelfile": f"FROM {full_tag(self.name)}",
            "template": "{{ .Prompt }}",
            "details": self.details,
            "model_info": {
                "general.architecture": self.family,
                f"{self.family}.context_length": self.context_length,
                f"{self.family}.embedding_length": 4096,
                **self.info,
            },
            "capabilities": list(self.capabilities),
            "modified_at": MODIFIED_AT,
        }
