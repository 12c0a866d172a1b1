"""What Shopify's custom scalars accept and how they print. `schema.admin_schema` teaches them to the built schema.

Serialisers take what documents hold (datetimes or RFC 3339 texts, decimals or their texts, whole numbers); parsers
raise `Unacceptable` with the explanation Shopify gives for a bad variable.
"""

from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any
from urllib.parse import urlsplit

from graphql import GraphQLScalarType, GraphQLSchema

GID_PREFIX = "gid://"
_UINT64 = 2**64


class Unacceptable(ValueError):
    """A value no scalar of this kind may have; the text is Shopify's explanation."""


def decimal_text(value: Any) -> str:
    """Shortest plain notation with at least one decimal: '5.00' -> '5.0', as the recordings print money."""
    number = Decimal(str(value))
    text = format(number, "f")
    if "." not in text:
        return f"{text}.0"
    whole, places = text.split(".")
    return f"{whole}.{places.rstrip('0') or '0'}"


def instant(value: Any) -> datetime:
    """An aware instant out of a datetime or an RFC 3339 text; without an offset it is UTC."""
    moment = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def instant_text(value: Any) -> str:
    """UTC with whole seconds, the form in which the Admin API prints every instant."""
    return instant(value).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _parse_instant(value: Any) -> datetime:
    if not isinstance(value, str) or not value[:4].isdigit():
        raise Unacceptable(f"invalid DateTime '{value}'")
    try:
        return instant(value)
    except ValueError as error:
        raise Unacceptable(f"invalid DateTime '{value}'") from error


def _parse_date(value: Any) -> date:
    try:
        return date.fromisoformat(value)
    except (TypeError, ValueError) as error:
        raise Unacceptable(f"invalid Date '{value}'") from error


def _parse_decimal(value: Any) -> Decimal:
    try:
        if isinstance(value, bool):
            raise InvalidOperation
        number = Decimal(str(value))
    except InvalidOperation as error:
        raise Unacceptable(f"invalid decimal '{value}'") from error
    if not number.is_finite():
        raise Unacceptable(f"invalid decimal '{value}'")
    return number


def _parse_unsigned(value: Any) -> int:
    text = str(value)
    if isinstance(value, bool | float) or not text.isascii() or not text.isdigit() or int(text) >= _UINT64:
        raise Unacceptable(f"invalid UnsignedInt64 '{value}'")
    return int(text)


def _parse_url(value: Any) -> str:
    if isinstance(value, str):
        parts = urlsplit(value)
        if parts.scheme in ("http", "https", "pubsub", "arn") and (parts.netloc or parts.path):
            return value
    raise Unacceptable(f"Invalid url '{value}'")


def parse_id(value: Any) -> str:
    """A global id, told from anything else by its prefix only; whether it exists is the resolver's business."""
    if not isinstance(value, str) or not value.startswith(GID_PREFIX):
        raise Unacceptable(f"Invalid global id '{value}'")
    return value


def _anything(value: Any) -> Any:
    return value


_Print = Callable[[Any], Any]
_SCALARS: dict[str, tuple[_Print, _Print]] = {
    "DateTime": (instant_text, _parse_instant),
    "Date": (str, _parse_date),
    "Decimal": (decimal_text, _parse_decimal),
    "Money": (decimal_text, _parse_decimal),
    "UnsignedInt64": (str, _parse_unsigned),
    "BigInt": (str, _parse_unsigned),
    "URL": (str, _parse_url),
    "JSON": (_anything, _anything),
}


def teach_scalars(schema: GraphQLSchema) -> None:
    """Gives the schema's custom scalars their printers and parsers; introspection JSON carries only their names.

    ID stays as it is: graphql-core shares that one scalar between all schemas. `variables` and `gids` look after it.
    """
    for name, (printer, parser) in _SCALARS.items():
        scalar = schema.type_map[name]
        assert isinstance(scalar, GraphQLScalarType)
        scalar.coerce_output_value = printer
        scalar.coerce_input_value = parser
