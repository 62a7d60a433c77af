"""What must not be written where everybody reads."""

import pytest

from socialops.lib.secrecy import looks_secret


@pytest.mark.parametrize(
    "text",
    [
        "Sommer2024!", "hunter2#hunter2", "Acme$2024#fr", "q8Zr1xTn0PaLw2", "password: horse", "pwd=x", "PIN: 4711",
        "https://acme:letmein@vault.example/", "otpauth://totp/acme", "https://x.example/?token=abc", "AKIAIOSFODNN7",
        "ghp_abcdefghijk", "The code is in the drawer, Mot de passe : soleil",
    ],
)  # fmt: skip
def test_what_opens_something_is_seen(text):
    assert looks_secret(text)


@pytest.mark.parametrize(
    "text",
    [
        "Vault: Social / Acme France", "op://Social/Acme/password", "https://vault.example/items/8f3a-11c2-9d0e",
        "social@fernhill.example", "+33 6 12 34 56 78", "1Password item Acme-France-2024", "dana-phone", "Canva",
        "Bitwarden > Brand > acme_fr@social.example", "Full access", "6ab2zxlmq4k7t3w9p5r8v1n0yd", "owner",
        "Takes over from Bob, ticket SOC-1423", "didn’t reset the password",
    ],
)  # fmt: skip
def test_where_something_is_kept_is_not(text):
    assert not looks_secret(text)
