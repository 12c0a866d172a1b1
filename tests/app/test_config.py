"""Settings come from the environment, and what cannot be used is refused with the remedy."""

import base64

import pytest

from app.config import ConfigError, load_settings


def test_the_names_of_the_shopify_cli_are_understood() -> None:
    settings = load_settings(
        {"SHOPIFY_API_KEY": "k", "SHOPIFY_API_SECRET": "s", "HOST": "https://a.example/", "SCOPES": "read_orders, x"}
    )
    assert (settings.api_key, settings.app_url, settings.scopes) == ("k", "https://a.example", ("read_orders", "x"))
    assert settings.webhook_secrets == ("s",)
    assert settings.shopify_origin == "https://{shop}"


def test_secrets_are_not_shown() -> None:
    key = base64.urlsafe_b64encode(b"k" * 32).decode()
    shown = repr(
        load_settings(
            {"SHOPIFY_API_SECRET": "hush", "PERENNIAL_ENCRYPTION_KEYS": key, "DATABASE_URL": "postgresql://u:pw@h/d"}
        )
    )
    assert not any(secret in shown for secret in ("hush", "kkkk", "pw@"))


@pytest.mark.parametrize(
    ("environment", "told"),
    [
        ({"PORT": "http"}, "PORT"),
        ({"PORT": "70000"}, "PORT"),
        ({"SHOPIFY_APP_URL": "app.example.com"}, "full address"),
        ({"SHOPIFY_APP_URL": "http://app.example.com"}, "https"),
        ({"PERENNIAL_ENCRYPTION_KEYS": "short"}, "32 bytes"),
        ({"PERENNIAL_SHOPIFY_ORIGIN": "http://127.0.0.1:9292/{shop}"}, "PERENNIAL_DEV=1"),
        ({"PERENNIAL_SHOPIFY_ORIGIN": "http://127.0.0.1:9292", "PERENNIAL_DEV": "1"}, "{shop}"),
    ],
)
def test_what_cannot_be_used_is_refused(environment: dict[str, str], told: str) -> None:
    with pytest.raises(ConfigError, match=told.replace("{", r"\{")):
        load_settings(environment)
