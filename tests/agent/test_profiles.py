"""Profile folders: what is read, what is skipped and named, what ships."""

from pathlib import Path

import pytest
from agent.stage import write_profile

from navi_bot.agent.profiles import Profiles
from navi_bot.errors import ConfigurationError
from navi_bot.toolbox.registry import shipped

SHIPPED = Path(__file__).parents[2] / "profiles"


def test_a_folder_is_a_profile(tmp_path: Path) -> None:
    """N-104, N-114: config.json and system_prompt.txt are all it takes; defaults fill the rest."""
    write_profile(tmp_path, "cook", ["clock"], '"temperature": 0.1')
    profile = Profiles([tmp_path], default="cook").default
    assert (profile.id, profile.enabled_tools, profile.temperature) == ("cook", ("clock",), 0.1)
    assert (profile.model, profile.max_iterations, profile.llm_backend) == ("", 40, "ollama")
    assert profile.system_prompt == "Be cook."


def test_a_later_directory_replaces(tmp_path: Path) -> None:
    """The operator's own profile of the same name wins."""
    write_profile(tmp_path / "ours", "cook", [])
    write_profile(tmp_path / "theirs", "cook", [], prompt="Bake.")
    write_profile(tmp_path / "theirs", "gardener", [])
    profiles = Profiles([tmp_path / "ours", tmp_path / "theirs"], default="cook")
    assert [profile.id for profile in profiles.all()] == ["cook", "gardener"]
    assert profiles.default.system_prompt == "Bake."


@pytest.mark.parametrize(
    ("config", "prompt", "named"),
    [
        ("{", "x", "config.json"),
        ('{"name": "a", "description": "b"}', "x", "enabled_tools"),
        (
            '{"name": "a", "description": "b", "enabled_tools": [], "temprature": 1}',
            "x",
            "temprature",
        ),
        (
            '{"name": "a", "description": "b", "enabled_tools": [], "max_iterations": 0}',
            "x",
            "max_iterations",
        ),
        ('{"name": "a", "description": "b", "enabled_tools": []}', " ", "system_prompt.txt"),
        (None, "x", "config.json"),
        ('{"name": "a", "description": "b", "enabled_tools": []}', None, "system_prompt.txt"),
    ],
)
def test_a_bad_profile_is_named_and_skipped(
    tmp_path: Path, config: str | None, prompt: str | None, named: str
) -> None:
    """N-102: one bad profile is a clear sentence; the others load."""
    write_profile(tmp_path, "good", [])
    (tmp_path / "bad").mkdir()
    if config is not None:
        (tmp_path / "bad" / "config.json").write_text(config)
    if prompt is not None:
        (tmp_path / "bad" / "system_prompt.txt").write_text(prompt)
    profiles = Profiles([tmp_path], default="good")
    assert [profile.id for profile in profiles.all()] == ["good"]
    [problem] = profiles.problems
    assert problem.startswith("Profile 'bad' was skipped:")
    assert named in problem


def test_no_usable_profile_is_a_configuration_error(tmp_path: Path) -> None:
    """Nothing can run without one: the error names every fault."""
    (tmp_path / "bad").mkdir()
    with pytest.raises(ConfigurationError) as caught:
        Profiles([tmp_path, tmp_path / "absent"])
    assert len(caught.value.faults) == 3


def test_reading_again_keeps_what_worked(tmp_path: Path) -> None:
    """reload takes new folders in; when all are broken, the known ones stay."""
    write_profile(tmp_path, "good", [])
    profiles = Profiles([tmp_path], default="good")
    write_profile(tmp_path, "new", [])
    profiles.reload()
    assert profiles.find("new") is not None
    for name in ("good", "new"):
        (tmp_path / name / "config.json").write_text("{")
    with pytest.raises(ConfigurationError):
        profiles.reload()
    assert profiles.find("good") is not None


def test_a_missing_default_is_named(tmp_path: Path) -> None:
    """A default that is not there is a problem; another profile stands in."""
    write_profile(tmp_path, "good", [])
    profiles = Profiles([tmp_path], default="nobody")
    assert profiles.default.id == "good"
    assert "nobody" in profiles.problems[0]


def test_the_shipped_profiles_are_sound() -> None:
    """N-105, N-106, N-113: four, all planning, one tool set, their sections in the prompt."""
    profiles = Profiles([SHIPPED])
    assert profiles.problems == ()
    found = {profile.id: profile for profile in profiles.all()}
    assert list(found) == ["developer", "secretary", "server_admin", "smart_home"]
    warmth = {name: profile.temperature for name, profile in found.items()}
    assert (warmth["secretary"], warmth["server_admin"], warmth["smart_home"]) == (0.7, 0.2, 0.3)
    assert all(profile.planning_enabled for profile in found.values())
    assert len({profile.enabled_tools for profile in found.values()}) == 1
    assert set(shipped().tools) <= set(found["secretary"].enabled_tools)
    sections = {
        "secretary": ("findings", "sources", "drafts"),
        "server_admin": ("status", "logs", "errors", "plan"),
        "smart_home": ("state", "config", "errors"),
        "developer": ("plan", "findings", "errors"),
    }
    for name, words in sections.items():
        prompt = found[name].system_prompt
        assert 40 <= len(prompt.splitlines()) <= 120, name
        assert all(f"`{word}`" in prompt for word in words), name


def test_the_shipped_prompts_promise_no_tool_that_is_absent() -> None:
    """A prompt names tools that are installed and no others of those it lists."""
    installed = set(shipped().tools)
    for profile in Profiles([SHIPPED]).all():
        absent = [name for name in profile.enabled_tools if name not in installed]
        assert not [name for name in absent if f"`{name}`" in profile.system_prompt]


def test_a_tool_name_that_nobody_knows_is_named(tmp_path: Path) -> None:
    """T-17: a typo in an own profile is a problem; tools that a version lacks are just absent."""
    write_profile(tmp_path / "ours", "one", ["clock", "later"])
    write_profile(tmp_path / "theirs", "own", ["clock", "later", "clokc"])
    folders = [tmp_path / "ours", tmp_path / "theirs"]
    assert Profiles(folders, "one", installed=["clock"]).problems == (
        "Profile 'own' names tools that are not installed: clokc.",
    )
