"""Puts into our shop what the recorded shop held before a scenario, as far as the recording shows it.

`Facts` collects every object of the recorded answers; `Seeder` makes one when a request names an id that no step of the
scenario made. A read of something that no step made is itself what says that it was there: there the comparison holds
our derived fields and the shape. From a mutation's own answer nothing is taken but what its request cannot change.
"""

from dataclasses import dataclass, field
from typing import Any

from dev_store.commerce import OrderLine
from dev_store.graphql.context import Context
from dev_store.graphql.customer_addresses import address_document
from dev_store.state import Document

Json = dict[str, Any]

# What a request cannot change, its answer shows as it was before: recordings of e-mail and SMS were made side by side.
UNCHANGED_BY = {
    "customerEmailMarketingConsentUpdate": "defaultPhoneNumber",
    "customerSmsMarketingConsentUpdate": "defaultEmailAddress",
}


@dataclass
class Facts:
    """Objects by recorded id, as they were when first seen; reads before the first mutation complete each other."""

    objects: dict[str, Json] = field(default_factory=dict)
    settled: bool = False

    def collect(self, node: Any) -> None:
        if isinstance(node, list):
            for item in node:
                self.collect(item)
        if not isinstance(node, dict):
            return
        identifier = node.get("id")
        if isinstance(identifier, str) and identifier.startswith("gid://"):
            known = self.objects.get(identifier)
            if known is None or not self.settled:
                self.objects[identifier] = {**node, **{k: v for k, v in (known or {}).items() if v is not None}}
        for child in node.values():
            self.collect(child)


@dataclass(frozen=True)
class Seeder:
    """Makes objects in one shop. `context` gives state, verbs and the instant."""

    context: Context

    def make(self, recorded_id: str, fact: Json) -> dict[str, str]:
        """Recorded ids and ours, of the object and of what hangs on it. Empty for a type that is not kept here."""
        kind = recorded_id.split("/")[3]
        other_discount = (fact.get("codeDiscount") or {}).get("__typename") not in (None, "DiscountCodeBasic")
        maker = None if other_discount else {
            "Customer": self._customer, "Product": self._product, "Segment": self._segment,
            "DiscountCodeNode": self._discount,
        }.get(kind)  # fmt: skip
        if maker is None:
            return {}
        number = maker(fact)
        ours = f"gid://shopify/{kind}/{number}"
        return {recorded_id: ours, **self._metafields(fact, ours)}

    def restore(self, answer: Json, pairs: dict[str, str]) -> None:
        """Sets the side of a customer's consent that the request of this answer cannot have changed."""
        for name, payload in answer.items():
            side = UNCHANGED_BY.get(name)
            customer = payload.get("customer") or {} if isinstance(payload, dict) else {}
            ours = pairs.get(customer.get("id", ""))
            if not side or not ours or not customer.get(side):
                continue
            document = self._document("customer", int(ours.rsplit("/", 1)[1]))
            _set_consents(document, {side: customer[side]})
            self._put("customer", document)

    def _customer(self, fact: Json) -> int:
        context = self.context
        email, phone = fact.get("defaultEmailAddress") or {}, fact.get("defaultPhoneNumber") or {}
        number = context.commerce.create_customer(
            at=context.at,
            email=fact.get("email") or email.get("emailAddress"),
            first_name=fact.get("firstName"),
            last_name=fact.get("lastName"),
            phone=fact.get("phone") or phone.get("phoneNumber"),
            tags=fact.get("tags"),
            language=fact.get("locale"),
        )
        document = self._document("customer", number)
        document["note"] = fact.get("note") or ""
        document["tax_exempt"] = bool(fact.get("taxExempt"))
        held = (fact.get("addressesV2") or {}).get("nodes") or [fact.get("defaultAddress")]
        document["_addresses"] = [self._address(number, one) for one in held if one]
        _set_consents(document, fact)
        if fact.get("displayName") and not fact.get("firstName") and not fact.get("lastName"):
            document["first_name"], _, document["last_name"] = fact["displayName"].partition(" ")
        self._put("customer", document)
        self._orders(number, int(fact.get("numberOfOrders") or 0), (fact.get("amountSpent") or {}).get("amount"))
        return number

    def _orders(self, customer_id: int, orders: int, spent: str | None) -> None:
        """One order carries all that was spent, the others cost nothing."""
        for place in range(orders):
            price = spent if place == 0 and spent else "0.00"
            line = OrderLine(title="Recorded before", quantity=1, price=price)
            self.context.commerce.place_order(at=self.context.at, customer_id=customer_id, lines=[line])

    def _address(self, customer_id: int, fact: Json) -> Json:
        wanted = {**fact, "countryCode": fact.get("countryCodeV2")}
        document = address_document(self.context, customer_id, wanted)
        shown: Json = {key: fact.get(key) for key in ("country", "province") if key in fact}
        area = fact.get("formattedArea") or ""
        return {**document, **shown, "city": fact.get("city") or area.partition(",")[0] or None}

    def _product(self, fact: Json) -> int:
        variant = {"title": "Default Title", "sku": "", "price": "0.00"}
        title = fact.get("title") or "Recorded before"
        return self.context.commerce.create_product(at=self.context.at, title=title, variants=[variant])

    def _segment(self, fact: Json) -> int:
        number = self.context.state.next_id(self.context.shop, "segment")
        self._put("segment", {**fact, "id": number, "__typename": "Segment"})
        return number

    def _discount(self, fact: Json) -> int:
        """A discount of which the recording shows dates and little else."""
        body = fact.get("codeDiscount") or fact.get("discount") or {}
        codes = [node["code"] for node in (body.get("codes") or {}).get("nodes") or []]
        number = self.context.commerce.create_discount(
            at=self.context.at, code=(codes or [f"SEED{fact['id'].rsplit('/', 1)[1]}"])[0], percentage="0.1"
        )
        self._put("discount", {**self._document("discount", number), **_discount_fields(body)})
        return number

    def _metafields(self, fact: Json, owner: str) -> dict[str, str]:
        """Metafields shown inside an object's first answer were there before."""
        made: dict[str, str] = {}
        nested = [*fact.values(), *((fact.get("metafields") or {}).get("nodes") or [])]
        for one in nested:
            if not isinstance(one, dict) or not {"id", "namespace", "key", "value"} <= set(one) or one["id"] in made:
                continue
            number = self.context.state.next_id(self.context.shop, "metafield")
            now = self.context.at.isoformat()
            document = {
                "id": number, "owner": owner, "namespace": one["namespace"], "key": one["key"],
                "type": one["type"], "value": one["value"], "compare_digest": one.get("compareDigest", ""),
                "created_at": now, "updated_at": now, "size_in_bytes": len(one["value"]),
            }  # fmt: skip
            self._put("metafield", document)
            made[one["id"]] = f"gid://shopify/Metafield/{number}"
        return made

    def _document(self, kind: str, number: int) -> Document:
        document = self.context.state.get(self.context.shop, kind, number)
        assert document is not None
        return document

    def _put(self, kind: str, document: Document) -> None:
        self.context.state.put(self.context.shop, kind, document["id"], document)


def _discount_fields(body: Json) -> Json:
    """What the recording shows of a discount, in the words of its document."""
    plain = {
        "title": "title",
        "startsAt": "starts_at",
        "endsAt": "ends_at",
        "usageLimit": "usage_limit",
        "tags": "tags",
    }
    fields = {column: body[key] for key, column in plain.items() if key in body}
    if combines := body.get("combinesWith"):
        kinds = ("order", "product", "shipping")
        fields["combines_with"] = {f"{kind}_discounts": bool(combines.get(f"{kind}Discounts")) for kind in kinds}
    minimum = body.get("minimumRequirement") or {}
    if subtotal := minimum.get("greaterThanOrEqualToSubtotal"):
        fields["minimum_requirement"] = {"subtotal": subtotal["amount"]}
    elif quantity := minimum.get("greaterThanOrEqualToQuantity"):
        fields["minimum_requirement"] = {"quantity": int(quantity)}
    value = (body.get("customerGets") or {}).get("value") or {}
    if "amount" in value:
        taken = {"amount": value["amount"]["amount"], "each_item": bool(value.get("appliesOnEachItem"))}
        fields["customer_gets"] = {"value": taken, "items": {"all": True}}
    elif "percentage" in value:
        fields["customer_gets"] = {"value": {"percentage": str(value["percentage"])}, "items": {"all": True}}
    return fields


def _set_consents(document: Document, fact: Json) -> None:
    for side, key in (
        ("defaultEmailAddress", "_email_marketing_consent"),
        ("defaultPhoneNumber", "_sms_marketing_consent"),
    ):
        shown = fact.get(side) or {}
        if "marketingState" in shown:
            document[key] |= {
                "state": shown["marketingState"].lower(),
                "opt_in_level": (shown.get("marketingOptInLevel") or "").lower() or None,
                "consent_updated_at": shown.get("marketingUpdatedAt"),
            }
