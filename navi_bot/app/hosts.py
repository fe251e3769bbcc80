"""Chooses the model hosts: what is configured, or the scripted model.

Where nothing is configured and no model server answers, a console falls back
to the scripted model and says so; a configured host never does.
"""

from dataclasses import dataclass

from navi_bot.errors import NaviError
from navi_bot.models.default import DefaultingModel
from navi_bot.models.gate import FairGate
from navi_bot.models.scripted import NAME, ScriptedModel
from navi_bot.ports.agent import Backend
from navi_bot.ports.model import Model
from navi_bot.settings import Settings

FALLBACK = (
    "No model server answers at {address}, so a scripted demo answers here. "
    "Start Ollama (ollama serve) and install a model (ollama pull NAME), "
    "or set OLLAMA_HOST or OPENAI_BASE_URL."
)
DEMO = "The scripted demo answers here, not a model."


@dataclass(frozen=True, slots=True)
class Hosts:
    """`main` is the one that /model lists. `notice` is told before anything else.

    `model`: what overrides the profiles' models, "" for nothing.
    """

    backends: dict[str, Backend]
    main: Model
    address: str
    model: str = ""
    notice: str = ""

    async def aclose(self) -> None:
        for backend in self.backends.values():
            await backend.model.close()


async def choose_hosts(settings: Settings, *, demo: bool, console: bool) -> Hosts:
    """Return the hosts of this run."""
    if demo:
        return _scripted(DEMO)
    hosts = configured_hosts(settings)
    if console and not _is_configured(settings):
        try:
            await hosts.main.installed()
        except NaviError:
            await hosts.aclose()
            return _scripted(FALLBACK.format(address=settings.ollama_host))
    return hosts


def _is_configured(settings: Settings) -> bool:
    """Whether the operator named any model host or model."""
    return bool({"ollama_host", "openai_base_url", "model"} & settings.model_fields_set)


def _scripted(notice: str) -> Hosts:
    model = ScriptedModel()
    backend = Backend(model=model, gate=FairGate(32), default_model=NAME)
    backends = {"ollama": backend, "openai": backend}
    return Hosts(backends, model, "the demo", NAME, notice)


def configured_hosts(settings: Settings) -> Hosts:
    """Return the hosts that the settings name; nothing is connected yet.

    With OPENAI_BASE_URL alone, that server serves every profile.
    """
    backends: dict[str, Backend] = {}
    if settings.openai_base_url:
        backends["openai"] = _backend(settings, _openai(settings), parallel=4)
    if "openai" in backends and "ollama_host" not in settings.model_fields_set:
        backends["ollama"] = backends["openai"]
        address = settings.openai_base_url
        return Hosts(backends, backends["openai"].model, address, settings.model)
    backends["ollama"] = _backend(settings, _ollama(settings), settings.ollama_parallel)
    return Hosts(backends, backends["ollama"].model, settings.ollama_host, settings.model)


def _backend(settings: Settings, model: Model, parallel: int) -> Backend:
    return Backend(
        model=DefaultingModel(model),
        gate=FairGate(parallel),
        default_model=settings.model,
        num_ctx=settings.ollama_num_ctx,
        reserve=settings.llm_output_reserve,
        think=settings.ollama_think,
        first_chunk_timeout=settings.llm_stream_first_chunk_timeout,
        chunk_timeout=settings.llm_stream_chunk_timeout,
    )


def _ollama(settings: Settings) -> Model:
    from navi_bot.models.ollama import OllamaModel  # noqa: PLC0415 - only when configured

    key = settings.ollama_api_key
    return OllamaModel(
        settings.ollama_host,
        settings.data_dir,
        api_key=key.get_secret_value() if key else "",
        keep_alive=settings.ollama_keep_alive or None,
        complete_timeout=settings.llm_complete_timeout,
    )


def _openai(settings: Settings) -> Model:
    from navi_bot.models.openai import OpenAIModel  # noqa: PLC0415 - only when configured

    key = settings.openai_api_key
    return OpenAIModel(
        settings.openai_base_url,
        settings.data_dir,
        api_key=key.get_secret_value() if key else "",
        complete_timeout=settings.llm_complete_timeout,
    )
