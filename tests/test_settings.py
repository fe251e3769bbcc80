from collections.abc import Mapping
from pathlib import Path
from types import NoneType
from typing import get_args

import pytest
from pydantic import SecretStr, ValidationError

from navi_bot.errors import ConfigurationError
from navi_bot.settings import (
    Settings,
    chosen_adapters,
    load,
    variables,
)
from navi_bot.settings.daemon import default_data_dir
from navi_bot.settings.values import Folder
from navi_bot.settings.zone import local_zone

TOKEN = "123456789:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw1"
EXAMPLE = Path(__file__).resolve().parent.parent / ".env.example"


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Every test starts with an environment and a folder without settings."""
    for name in [*variables(), "CREDENTIALS_DIRECTORY", "STATE_DIRECTORY"]:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)


def loaded(monkeypatch: pytest.MonkeyPatch, environment: Mapping[str, str]) -> Settings:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    return load()


def faults(monkeypatch: pytest.MonkeyPatch, environment: Mapping[str, str]) -> tuple[str, ...]:
    with pytest.raises(ConfigurationError) as caught:
        loaded(monkeypatch, environment)
    return caught.value.faults


def test_nothing_configured_is_usable() -> None:
    """Without any variable there are settings, for the console and an embedded database."""
    settings = load()
    assert settings.database_url is None
    assert settings.owners == ()
    assert settings.ollama_host == "http://127.0.0.1:11434"
    assert chosen_adapters(settings) == ("console",)


USABLE: list[tuple[str, str, str, object]] = [
    ("NAVI_STALE_AFTER", "6h", "stale_after", 21600.0),
    ("NAVI_STALE_AFTER", "90m", "stale_after", 5400.0),
    ("NAVI_STALE_AFTER", "2 d", "stale_after", 172800.0),
    ("NAVI_STALE_AFTER", "45", "stale_after", 45.0),
    ("NAVI_FIRST_SHOW", "0.5", "first_show", 0.5),
    ("NAVI_OWNERS", "telegram:42", "owners", (("telegram", "42"),)),
    (
        "NAVI_OWNERS",
        " telegram:42, matrix:@me:example.org:8448 ,telegram:42,",
        "owners",
        (("telegram", "42"), ("matrix", "@me:example.org:8448")),
    ),
    ("NAVI_ADAPTERS", "Console", "adapters", ("console",)),
    ("NAVI_LOG_LEVEL", "DEBUG", "log_level", "debug"),
    ("NAVI_TIMEZONE", "Europe/Berlin", "timezone", "Europe/Berlin"),
    ("NAVI_LANGUAGE", "pt-BR", "language", "pt-BR"),
    ("NAVI_STEER", "yes", "steer", True),
    (
        "NAVI_FOLDERS",
        "/usr:rw,/tmp",
        "folders",
        (Folder(Path("/usr"), True), Folder(Path("/tmp"), False)),
    ),
    ("OLLAMA_HOST", "box", "ollama_host", "http://box:11434"),
    ("OLLAMA_HOST", "box:80", "ollama_host", "http://box:80"),
    ("OLLAMA_HOST", "0.0.0.0", "ollama_host", "http://127.0.0.1:11434"),
    ("OLLAMA_HOST", "https://box/ollama/", "ollama_host", "https://box/ollama"),
    ("OLLAMA_HOST", "[::1]", "ollama_host", "http://[::1]:11434"),
    ("OLLAMA_THINK", "auto", "ollama_think", None),
    ("OLLAMA_THINK", "True", "ollama_think", True),
    ("OLLAMA_THINK", "high", "ollama_think", "high"),
    ("TELEGRAM_API_URL", "http://127.0.0.1:8081/", "telegram_api_url", "http://127.0.0.1:8081"),
    ("TELEGRAM_CALLS_PER_SECOND", "500", "telegram_calls_per_second", 500.0),
    ("MATRIX_CALL_INTERVAL", "0.5", "matrix_call_interval", 0.5),
    ("MATRIX_UNVERIFIED", "Nothing", "matrix_unverified", "nothing"),
    ("NAVI_CONCURRENCY", "", "concurrency", 32),
]


@pytest.mark.parametrize(("variable", "text", "attribute", "value"), USABLE)
def test_text_becomes_a_value(
    monkeypatch: pytest.MonkeyPatch, variable: str, text: str, attribute: str, value: object
) -> None:
    """Each variable takes the forms that people write."""
    assert getattr(loaded(monkeypatch, {variable: text}), attribute) == value


UNUSABLE = {
    "user name": ("NAVI_OWNERS", "telegram:@me", "numeric id"),
    "bare user name": ("NAVI_OWNERS", "telegram:me", "numeric id"),
    "negative id": ("NAVI_OWNERS", "telegram:-100123", "numeric id"),
    "id without platform": ("NAVI_OWNERS", "1234", "platform:id"),
    "matrix name": ("NAVI_OWNERS", "matrix:me", "full id"),
    "matrix name without server": ("NAVI_OWNERS", "matrix:@me", "full id"),
    "console owner": ("NAVI_OWNERS", "console:me", "platform:id"),
    "one bad among good": ("NAVI_OWNERS", "telegram:1,telegram:@x", "numeric id"),
    "unknown adapter": ("NAVI_ADAPTERS", "irc", "known: telegram, matrix, console"),
    "token in two halves": ("TELEGRAM_BOT_TOKEN", "123456789", "@BotFather"),
    "token with a blank": ("TELEGRAM_BOT_TOKEN", TOKEN + " x", "@BotFather"),
    "API without scheme": ("TELEGRAM_API_URL", "127.0.0.1:8081", "http://host:port"),
    "API of another scheme": ("TELEGRAM_API_URL", "ftp://host", "http://host:port"),
    "port too high": ("OLLAMA_HOST", "box:70000", "http://host:port"),
    "two hosts": ("OLLAMA_HOST", "a b", "http://host:port"),
    "other database": ("NAVI_DATABASE_URL", "mysql://u:hunter22@h/n", "postgresql://"),
    "zone": ("NAVI_TIMEZONE", "Berlin", "Europe/Berlin"),
    "zone outside": ("NAVI_TIMEZONE", "../../etc/passwd", "Europe/Berlin"),
    "language": ("NAVI_LANGUAGE", "German", "en, de"),
    "negative time": ("NAVI_STALE_AFTER", "-5", "6h"),
    "no time": ("NAVI_DRAIN", "soon", "6h"),
    "zero timeout": ("LLM_COMPLETE_TIMEOUT", "0", "more than 0"),
    "negative number": ("NAVI_CONCURRENCY", "-1", "at least 1"),
    "no number": ("NAVI_CONCURRENCY", "many", "whole number"),
    "fraction": ("OLLAMA_PARALLEL", "1.5", "whole number"),
    "share": ("CONTEXT_COMPRESSION_THRESHOLD", "80", "at most 1"),
    "no share": ("CONTEXT_COMPRESSION_THRESHOLD", "nan", "at most 1"),
    "truth": ("NAVI_STEER", "perhaps", "true or false"),
    "choice": ("NAVI_PAIRING", "open", "off or code"),
    "level": ("NAVI_LOG_LEVEL", "loud", "debug, info, warning or error"),
    "think": ("OLLAMA_THINK", "deeply", "low, medium, high"),
    "no such folder": ("NAVI_PROFILES_DIR", "/nowhere/at/all", "not there"),
    "no such file": ("NAVI_PERSONA_FILE", "/nowhere", "not there"),
    "no such shared folder": ("NAVI_FOLDERS", "/nowhere:rw", "not there"),
    "matrix account": ("MATRIX_USER_ID", "navi", "@me:example.org"),
}


@pytest.mark.parametrize("case", UNUSABLE)
def test_fault_is_one_sentence_with_the_mend(monkeypatch: pytest.MonkeyPatch, case: str) -> None:
    """A fault names its variable and the mend, on one line, in our words."""
    variable, text, mend = UNUSABLE[case]
    (fault,) = faults(monkeypatch, {variable: text})
    assert fault.startswith(f"{variable} ")
    assert mend in fault
    assert "\n" not in fault
    assert fault.endswith(".")
    for word in ("pydantic", "Value error", "validation", "Input should"):
        assert word not in fault


def test_every_fault_is_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The operator mends all in one go."""
    told = faults(
        monkeypatch, {"NAVI_OWNERS": "telegram:@me", "NAVI_STEER": "x", "SEARXNG_URL": "x"}
    )
    assert sorted(fault.split()[0] for fault in told) == [
        "NAVI_OWNERS",
        "NAVI_STEER",
        "SEARXNG_URL",
    ]


SECRETS = {
    "TELEGRAM_BOT_TOKEN": "hunter22-is-no-token",
    "NAVI_DATABASE_URL": "mysql://me:hunter22@host/name",
    "NAVI_OWNERS": f"telegram:{TOKEN}",
    "NAVI_CONCURRENCY": TOKEN,
    "SEARXNG_URL": "ftp://me:hunter22@host",
}


@pytest.mark.parametrize("variable", SECRETS)
def test_fault_never_repeats_a_secret(monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
    """Neither the sentence nor the error's text holds what was refused."""
    with pytest.raises(ConfigurationError) as caught:
        loaded(monkeypatch, {variable: SECRETS[variable]})
    for text in (str(caught.value), *caught.value.faults):
        assert "hunter22" not in text
        assert TOKEN.partition(":")[2] not in text
    assert "hunter22" not in str(caught.value.__cause__)


def test_secrets_are_hidden_when_settings_are_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = loaded(
        monkeypatch,
        {"TELEGRAM_BOT_TOKEN": TOKEN, "NAVI_DATABASE_URL": "postgresql://me:hunter22@host/name"},
    )
    assert TOKEN not in repr(settings)
    assert "hunter22" not in f"{settings!r} {settings}"


def test_secrets_lists_passwords_inside_addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the redactor is given holds each secret and each password, decoded too."""
    settings = loaded(
        monkeypatch,
        {
            "TELEGRAM_BOT_TOKEN": TOKEN,
            "NAVI_DATABASE_URL": "postgresql://me:hunter%2422@host/name",
            "SEARXNG_URL": "http://me:swordfish@host",
        },
    )
    assert {TOKEN, "hunter%2422", "hunter$22", "swordfish"} <= set(settings.secrets())


def test_credential_files_are_read(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """systemd's LoadCredential: a file named like the variable, its last newline left out."""
    (tmp_path / "telegram_bot_token").write_text(TOKEN + "\n")
    settings = loaded(monkeypatch, {"CREDENTIALS_DIRECTORY": str(tmp_path)})
    assert settings.telegram_bot_token == SecretStr(TOKEN)
    assert chosen_adapters(settings) == ("telegram",)


def test_environment_wins_over_file_in_folder(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / ".env").write_text("NAVI_PROFILE=developer\nNAVI_MODEL=small\nOTHER=x\n")
    settings = loaded(monkeypatch, {"NAVI_MODEL": "large"})
    assert (settings.profile, settings.model) == ("developer", "large")


def test_file_that_is_no_text_is_a_fault(tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes(b"NAVI_PROFILE=\xff\xfe\n")
    with pytest.raises(ConfigurationError, match="UTF-8"):
        load()


ADAPTERS: dict[str, tuple[dict[str, str], tuple[str, ...]]] = {
    "nothing": ({}, ("console",)),
    "telegram by credentials": ({"TELEGRAM_BOT_TOKEN": TOKEN}, ("telegram",)),
    "both by credentials": (
        {
            "TELEGRAM_BOT_TOKEN": TOKEN,
            "MATRIX_HOMESERVER": "https://h",
            "MATRIX_USER_ID": "@n:h",
            "MATRIX_ACCESS_TOKEN": "syt_x",
        },
        ("telegram", "matrix"),
    ),
    "console by name in spite of credentials": (
        {"TELEGRAM_BOT_TOKEN": TOKEN, "NAVI_ADAPTERS": "console"},
        ("console",),
    ),
}


@pytest.mark.parametrize("case", ADAPTERS)
def test_adapters_are_those_named_or_with_credentials(
    monkeypatch: pytest.MonkeyPatch, case: str
) -> None:
    environment, chosen = ADAPTERS[case]
    assert chosen_adapters(loaded(monkeypatch, environment)) == chosen


CONTRADICTIONS = {
    "adapter without credentials": ({"NAVI_ADAPTERS": "telegram"}, "TELEGRAM_BOT_TOKEN is empty"),
    "half of Matrix": ({"MATRIX_HOMESERVER": "https://h"}, "MATRIX_USER_ID is empty"),
    "Matrix without a secret": (
        {"MATRIX_HOMESERVER": "https://h", "MATRIX_USER_ID": "@n:h"},
        "MATRIX_PASSWORD",
    ),
    "no room for a question": (
        {"OLLAMA_NUM_CTX": "4096", "LLM_OUTPUT_RESERVE": "4096"},
        "LLM_OUTPUT_RESERVE leaves nothing",
    ),
    "two personas": (
        {"NAVI_PERSONA": "kind", "NAVI_PERSONA_FILE": str(Path(__file__))},
        "keep one",
    ),
}


@pytest.mark.parametrize("case", CONTRADICTIONS)
def test_settings_that_do_not_go_together_are_faults(
    monkeypatch: pytest.MonkeyPatch, case: str
) -> None:
    environment, words = CONTRADICTIONS[case]
    (fault,) = faults(monkeypatch, environment)
    assert words in fault


def test_settings_cannot_change() -> None:
    with pytest.raises(ValidationError):
        load().profile = "other"


DATA_DIRS = {
    "systemd": (
        {"STATE_DIRECTORY": "/var/lib/navi-bot", "XDG_DATA_HOME": "/x"},
        "/var/lib/navi-bot",
    ),
    "several state folders": ({"STATE_DIRECTORY": "/a:/b"}, "/a"),
    "XDG": ({"XDG_DATA_HOME": "/x"}, "/x/navi-bot"),
    "relative XDG is ignored": ({"XDG_DATA_HOME": "x"}, "~/.local/share/navi-bot"),
    "nothing": ({}, "~/.local/share/navi-bot"),
}


@pytest.mark.parametrize("case", DATA_DIRS)
def test_data_directory_follows_the_platform(case: str) -> None:
    environment, folder = DATA_DIRS[case]
    assert default_data_dir(environment) == Path(folder).expanduser()


ZONES: list[tuple[str, str, str]] = [
    ("Europe/Berlin", "/usr/share/zoneinfo/Asia/Tokyo", "Europe/Berlin"),
    ("", "/usr/share/zoneinfo/Asia/Tokyo", "Asia/Tokyo"),
    ("CET-1CEST", "/usr/share/zoneinfo/Asia/Tokyo", "Asia/Tokyo"),
    ("", "/somewhere/else", "UTC"),
]


@pytest.mark.parametrize(("variable", "target", "zone"), ZONES)
def test_machine_zone_has_a_name(tmp_path: Path, variable: str, target: str, zone: str) -> None:
    """$TZ where it names a zone, else what /etc/localtime points at, else UTC."""
    (tmp_path / "localtime").symlink_to(target)
    assert local_zone({"TZ": variable}, tmp_path / "localtime") == zone


def example() -> dict[str, tuple[list[str], str]]:
    """Return the variables of .env.example: name → (comment lines above, shown value)."""
    found: dict[str, tuple[list[str], str]] = {}
    comment: list[str] = []
    for line in EXAMPLE.read_text(encoding="utf-8").splitlines():
        name, equals, value = line.lstrip("#").partition("=")
        if equals and name.isupper() and line.startswith("#") and not line.startswith("# "):
            found[name] = (comment, value)
            comment = []
        elif line.startswith("# "):
            comment.append(line.removeprefix("# "))
        else:
            comment = []
    return found


def test_example_lists_exactly_what_is_read() -> None:
    assert sorted(example()) == sorted(variables())


def test_example_shows_the_defaults(tmp_path: Path) -> None:
    """Taking the comment signs away changes nothing."""
    plain = [f"{name}={value}" for name, (_, value) in example().items()]
    (tmp_path / "plain").write_text("\n".join(plain), encoding="utf-8")
    assert load(tmp_path / "plain") == load(None)


def test_example_tells_type_default_and_meaning() -> None:
    """First line: type and default; the rest: what it means."""
    kinds: dict[object, str] = {bool: "true or false", int: "whole number"}
    fields = {str(field.validation_alias): field for field in Settings.model_fields.values()}
    for name, (comment, value) in example().items():
        kind, _, default = comment[0].partition("; default: ")
        assert default, name
        assert len(comment) >= 2, name
        assert value == "" or default == value, name
        assert kind == kinds.get(fields[name].annotation, kind), name
        assert ("secret" in kind) == (SecretStr in get_args(fields[name].annotation)), name


def test_attributes_are_named_by_one_rule() -> None:
    """An attribute is its variable in lower case, without NAVI_."""
    for attribute, field in Settings.model_fields.items():
        assert str(field.validation_alias).lower().removeprefix("navi_") == attribute


def test_only_secrets_are_optional_strings() -> None:
    """A setting without a value is empty or None by its type, never an unset string."""
    for attribute, field in Settings.model_fields.items():
        if NoneType in get_args(field.annotation):
            assert str not in get_args(field.annotation), attribute
