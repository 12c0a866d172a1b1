"""What a merchant changes about the shop itself, and about what the app may do: shop/update, app/scopes_update."""

from datetime import datetime

from dev_store.commerce.verbs import Verbs, gid, verb
from dev_store.refusals import RefusalError

_CHANGEABLE = {"name", "email", "currency", "iana_timezone", "plan_display_name", "country_code"}


class SettingsVerbs(Verbs):
    @verb
    def change_shop(self, /, *, at: datetime, **fields: str) -> None:
        """Changes the named fields of the shop. RefusalError for one that nobody can change here."""
        if unknown := set(fields) - _CHANGEABLE:
            raise RefusalError(f"{', '.join(sorted(unknown))} cannot be changed; {', '.join(sorted(_CHANGEABLE))} can")
        shop = {**self.shop_document(), **fields, "updated_at": self._stamp(at)}
        self.state.put(self.shop, "shop", shop["id"], shop)
        self._emit(at, ("shop/update", shop))

    @verb
    def change_scopes(self, *, at: datetime, grant: list[str] | None = None, revoke: list[str] | None = None) -> None:
        """The merchant grants optional scopes, or takes some back: every living token changes with it."""
        before, now = list[str](), list[str]()
        for token in list(self.state.all(self.shop, "token")):
            before = list(token["scopes"])
            now = [scope for scope in before if scope not in (revoke or [])]
            now += [scope for scope in grant or [] if scope not in now]
            self.state.put(self.shop, "token", token["id"], {**token, "scopes": now})
        shop = self.shop_document()
        shop["_optional_scopes"] = [scope for scope in grant or [] if scope in now]
        self.state.put(self.shop, "shop", shop["id"], shop)
        body = {"id": 1, "shop_id": gid("Shop", shop["id"]), "previous": before, "current": now}
        self._emit(at, ("app/scopes_update", {**body, "updated_at": self._stamp(at)}))
