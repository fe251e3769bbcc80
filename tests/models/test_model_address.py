"""A model host is found however its operator wrote it."""

import pytest

from navi_bot.errors import ConfigurationError
from navi_bot.models.address import Address, host_address


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("", "http://127.0.0.1:11434"),
        ("box", "http://box:11434"),
        ("box:8080", "http://box:8080"),
        ("0.0.0.0:11434", "http://127.0.0.1:11434"),
        ("0.0.0.0", "http://127.0.0.1:11434"),
        ("[::]:11434", "http://[::1]:11434"),
        ("http://box", "http://box"),
        ("http://box:8080/", "http://box:8080"),
        ("https://ollama.com", "https://ollama.com"),
        ("https://box:8443/sub/", "https://box:8443/sub"),
    ],
)
def test_a_host_becomes_a_url(text: str, url: str) -> None:
    """Without a scheme the port is Ollama's; an address to listen on is called locally."""
    assert host_address(text) == Address(url)


def test_credentials_leave_the_url() -> None:
    """They go into a header, so that no error shows them."""
    found = host_address("http://me:se%40cret@box:8080")
    assert found == Address("http://box:8080", "Basic bWU6c2VAY3JldA==")


@pytest.mark.parametrize("text", ["ftp://box", "http://box:port", "http://[::"])
def test_what_is_no_address_is_a_configuration_error(text: str) -> None:
    """The mend is named, and the text is not repeated: it may hold a password."""
    with pytest.raises(ConfigurationError, match="http://host:port"):
        host_address(text)
