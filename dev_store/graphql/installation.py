"""The app as this shop knows it: `currentAppInstallation` with its granted scopes, `app`."""

from typing import Any

from dev_store.graphql.context import Context
from dev_store.graphql.gids import gid
from dev_store.graphql.schema import query

APP_NUMBER = 1  # one development store serves one app


@query("currentAppInstallation")
def current_app_installation(_source: Any, context: Context) -> dict[str, Any]:
    scopes = [{"handle": scope, "description": scope.replace("_", " ")} for scope in sorted(_with_reads(context))]
    domain, client = context.shop, context.store.config.client_id
    return {
        "__typename": "AppInstallation",
        "id": gid("AppInstallation", context.shop_document["id"]),
        "accessScopes": scopes,
        "activeSubscriptions": [],
        "app": _app(context),
        "launchUrl": f"https://{domain}/admin/apps/{client}",
        "uninstallUrl": None,
    }


@query("app")
def app(_source: Any, context: Context, **_identifier: Any) -> dict[str, Any]:
    return _app(context)


def _app(context: Context) -> dict[str, Any]:
    config = context.store.config
    return {
        "id": gid("App", APP_NUMBER),
        "apiKey": config.client_id,
        "appStoreAppUrl": None,
        "developerName": "you",
        "embedded": True,
        "handle": "perennial",
        "title": "Perennial",
    }


def _with_reads(context: Context) -> set[str]:
    """A write scope implies its read scope, and Shopify lists both."""
    return {*context.scopes, *(scope.replace("write_", "read_", 1) for scope in context.scopes)}
