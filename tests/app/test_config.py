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


@pytest.mark.parametrize(
    ("url", "server"),
    [
        ("smtps://u%40x:p%2Fw@mail.example.com", ("mail.example.com", 465, True, False, "u@x", "p/w")),
        ("smtp://mail.example.com", ("mail.example.com", 587, False, False, None, None)),
        ("smtp://127.0.0.1:1025", ("127.0.0.1", 1025, False, True, None, None)),
    ],
)
def test_a_mail_server_elsewhere_is_spoken_to_encrypted(url: str, server: tuple[object, ...]) -> None:
    mail = load_settings({"PERENNIAL_SMTP_URL": url, "PERENNIAL_MAIL_FROM": "shop@example.com"}).mail
    assert mail is not None
    assert (mail.host, mail.port, mail.encrypted, mail.plain, mail.user, mail.password) == server
    assert "p/w" not in repr(mail)


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
        ({"PERENNIAL_SMTP_URL": "smtps://mail.example.com"}, "set both, or neither"),
        ({"PERENNIAL_MAIL_FROM": "shop@example.com"}, "set both, or neither"),
        ({"PERENNIAL_SMTP_URL": "mail.example.com", "PERENNIAL_MAIL_FROM": "shop@example.com"}, "PERENNIAL_SMTP_URL"),
        ({"PERENNIAL_SMTP_URL": "smtp://mail:x", "PERENNIAL_MAIL_FROM": "shop@example.com"}, "PERENNIAL_SMTP_URL"),
        ({"PERENNIAL_SMTP_URL": "smtps://mail", "PERENNIAL_MAIL_FROM": "Shop <a@b.de>"}, "PERENNIAL_MAIL_FROM"),
        ({"PERENNIAL_SHOPIFY_ORIGIN": "http://127.0.0.1:9292", "PERENNIAL_DEV": "1"}, "{shop}"),
    ],
)
def test_what_cannot_be_used_is_refused(environment: dict[str, str], told: str) -> None:
    with pytest.raises(ConfigError, match=told.replace("{", r"\{")):
        load_settings(environment)
