"""The app home."""

from app.admin import queries
from app.admin.visit import View, Visit
from app.money import to_decimal_string
from app.shopify.session import missing_scopes


def show(visit: Visit) -> View:
    """The shop's program and figures."""
    overview = queries.overview(visit.session, visit.shop)
    values = {
        "overview": overview,
        "missing": missing_scopes(visit.shop.scopes, visit.settings.scopes),
        "api_url": f"{visit.settings.app_url}/api/v1",
        "money": to_decimal_string,
    }
    return View("admin/home.html", values)
