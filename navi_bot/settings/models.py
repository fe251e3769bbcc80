"""Settings of the model hosts, of what is sent to them, and of web search."""

from typing import Annotated

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings

from navi_bot.settings import values
from navi_bot.settings.parse import Seconds, parsed
from navi_bot.settings.values import Think


class ModelSettings(BaseSettings):
    ollama_host: Annotated[str, parsed(values.ollama_host)] = Field(
        default="http://127.0.0.1:11434", validation_alias="OLLAMA_HOST"
    )
    """A URL, whatever was written."""
    ollama_api_key: SecretStr | None = Field(default=None, validation_alias="OLLAMA_API_KEY")
    ollama_parallel: int = Field(default=1, ge=1, validation_alias="OLLAMA_PARALLEL")
    ollama_num_ctx: int = Field(default=65536, ge=512, validation_alias="OLLAMA_NUM_CTX")
    """In tokens."""
    ollama_think: Annotated[Think, parsed(values.think)] = Field(
        default=None, validation_alias="OLLAMA_THINK"
    )
    ollama_keep_alive: str = Field(default="", validation_alias="OLLAMA_KEEP_ALIVE")
    openai_base_url: Annotated[str, parsed(values.web_address)] = Field(
        default="", validation_alias="OPENAI_BASE_URL"
    )
    openai_api_key: SecretStr | None = Field(default=None, validation_alias="OPENAI_API_KEY")
    llm_output_reserve: int = Field(default=2048, ge=0, validation_alias="LLM_OUTPUT_RESERVE")
    """Tokens of the window that are kept for the answer."""
    llm_stream_first_chunk_timeout: Seconds = Field(
        default=180.0, gt=0, validation_alias="LLM_STREAM_FIRST_CHUNK_TIMEOUT"
    )
    llm_stream_chunk_timeout: Seconds = Field(
        default=60.0, gt=0, validation_alias="LLM_STREAM_CHUNK_TIMEOUT"
    )
    llm_complete_timeout: Seconds = Field(
        default=120.0, gt=0, validation_alias="LLM_COMPLETE_TIMEOUT"
    )


class ContextSettings(BaseSettings):
    context_compression_enabled: bool = Field(
        default=True, validation_alias="CONTEXT_COMPRESSION_ENABLED"
    )
    context_compression_threshold: float = Field(
        default=0.80, gt=0, le=1, validation_alias="CONTEXT_COMPRESSION_THRESHOLD"
    )
    """Share of the window, 0..1."""
    context_keep_recent: int = Field(default=8, ge=0, validation_alias="CONTEXT_KEEP_RECENT")
    """Turns that compression leaves word for word."""
    context_summary_temperature: float = Field(
        default=0.3, ge=0, le=2, validation_alias="CONTEXT_SUMMARY_TEMPERATURE"
    )


class SearchSettings(BaseSettings):
    searxng_url: Annotated[str, parsed(values.web_address)] = Field(
        default="", validation_alias="SEARXNG_URL"
    )
