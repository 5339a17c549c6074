"""Secret keys: their order, and what is refused."""

import pytest

from costrel.core.secret_keys import generate_key, signing_keys
from costrel.errors import ConfigError


def test_current_key_comes_last_so_that_it_signs():
    assert signing_keys("new", ("oldest", "old")) == ["oldest", "old", "new"]
    assert signing_keys("new", None) == ["new"]


@pytest.mark.parametrize("fallbacks", ["old key", b"old key", bytearray(b"k")])
def test_one_fallback_key_without_a_list_is_refused(fallbacks):
    with pytest.raises(ConfigError) as caught:
        signing_keys("new", fallbacks)

    assert "SECRET_KEY_FALLBACKS" in caught.value.problem
    assert "[" in caught.value.hint
    assert "old key" not in str(caught.value)


def test_generated_keys_differ_and_are_long():
    assert generate_key() != generate_key()
    assert len(generate_key()) == 64
