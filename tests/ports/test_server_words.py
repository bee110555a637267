"""A server's words for operators: what fixes the cause stays, what opens an account goes."""

import pytest

from actors.ports.server_words import WORDS_MAX, plain_words

ALPHABET = "aB3dE6gH9jK2mN5pQ8sT1vW4yZ7"


@pytest.mark.parametrize(
    "secret",
    [
        f"gsk_{ALPHABET * 2}",
        f"sk-proj-{ALPHABET}",
        "sk-ab12****************wxyz",
        f"AIzaSy{ALPHABET}",
        f"org_01{ALPHABET}",
        "org-1234abcd",
        f"{ALPHABET}.aB3dE6.{ALPHABET}",
        f"{ALPHABET[:20]}-{ALPHABET[:20]}_{ALPHABET[:24]}",
        "0123456789abcdef0123456789abcdef",
    ],
)
def test_keys_tokens_and_accounts_are_hidden(secret: str) -> None:
    assert plain_words(f"Incorrect key provided: {secret}. Make one.").startswith("Incorrect key provided: …")
    assert secret not in plain_words(f"It was '{secret}'")


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        ("POST https://discord.com/api/webhooks/123/abc-DEF", "POST https://discord.com/api/webhooks/…"),
        ("at http://me:pass@host/v1", "at http://…@host/v1"),
        ("Authorization: Bearer abc", "Authorization: Bearer …"),
    ],
)
def test_a_secret_is_known_by_its_place(words: str, shown: str) -> None:
    assert plain_words(words) == shown


@pytest.mark.parametrize(
    "words",
    [
        "Unsupported parameter: 'max_tokens' is not supported. Use 'max_completion_tokens' instead.",
        "The model `meta-llama/llama-4-maverick-17b-128e-instruct` does not exist",
        "Conversation roles must alternate user/assistant/user/assistant/...",
        "Limit 8000, Requested 9100. Visit https://console.groq.com/docs/rate-limits",
        "BASE_TYPE_MAX_LENGTH: Must be 2000 or fewer in length.",
    ],
)
def test_what_fixes_the_cause_stays(words: str) -> None:
    assert plain_words(words) == words


def test_a_secret_that_is_known_is_hidden_whatever_it_looks_like() -> None:
    assert plain_words("the key is correct horse", ["correct horse", ""]) == "the key is …"


def test_words_are_one_short_line() -> None:
    assert plain_words("one\n\ttwo " + "x y " * 5000) == ("one two " + "x y " * 500)[:WORDS_MAX]
