"""Reading shopify.app.toml as `shopify app deploy` would."""

from pathlib import Path

import pytest

from dev_store.config import ConfigError, Subscription, read_app_config

HEAD = '[access_scopes]\nscopes = "read_orders, write_discounts"\n[webhooks]\napi_version = "2026-10"\n'


def written(folder: Path, text: str) -> Path:
    path = folder / "shopify.app.toml"
    path.write_text(text, "utf-8")
    return path


def test_topics_and_compliance_topics_go_to_the_apps_address(tmp_path: Path) -> None:
    text = HEAD + (
        '[[webhooks.subscriptions]]\ntopics = ["orders/create"]\nuri = "/webhooks"\nname = "live"\n'
        '[[webhooks.subscriptions]]\ncompliance_topics = ["shop/redact"]\nuri = "https://other.example/gdpr"\n'
    )
    found = read_app_config(written(tmp_path, text), "http://127.0.0.1:3000")
    assert found.api_version == "2026-10"
    assert found.scopes == ("read_orders", "write_discounts")
    assert found.subscriptions == (
        Subscription("orders/create", "http://127.0.0.1:3000/webhooks", "live"),
        Subscription("shop/redact", "https://other.example/gdpr"),
    )


@pytest.mark.parametrize(
    "text",
    [
        "[webhooks",
        "[webhooks]\n",
        HEAD + '[[webhooks.subscriptions]]\ntopics = ["orders/create", "orders/create"]\nuri = "/webhooks"\n',
        HEAD + '[[webhooks.subscriptions]]\ntopics = ["orders/create"]\nuri = "pubsub://project:topic"\n',
    ],
    ids=["no TOML", "no version", "twice", "no HTTP"],
)
def test_what_cannot_be_deployed_here_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(ConfigError):
        read_app_config(written(tmp_path, text), "http://127.0.0.1:3000")


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"nowhere\.toml"):
        read_app_config(tmp_path / "nowhere.toml", "http://127.0.0.1:3000")
