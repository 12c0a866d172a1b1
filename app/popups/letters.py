"""The letter that brings a code to somebody for whom none was left when they signed up, in the language they read."""

from dataclasses import dataclass
from urllib.parse import quote, urlencode

from app.mail import Letter
from app.popups.models import SignUp
from app.shops.models import Shop


@dataclass(frozen=True)
class _Words:
    subject: str
    text: str


_WORDS = {
    "en": _Words(
        "Your code from {shop}",
        "Thank you for signing up at {shop}.\n\nYour code: {code}\n\nIt works for one order. This link puts it into"
        " your cart:\n{link}\n\nYou get this one message because a code was asked for with this address.\n",
    ),
    "de": _Words(
        "Ihr Code von {shop}",
        "Danke für die Anmeldung bei {shop}.\n\nIhr Code: {code}\n\nEr gilt für eine Bestellung. Dieser Link legt ihn"
        " in den Warenkorb:\n{link}\n\nSie erhalten diese eine Nachricht, weil mit dieser Adresse ein Code angefordert"
        " wurde.\n",
    ),
    "ja": _Words(
        "{shop}からのコード",
        "{shop}にご登録いただきありがとうございます。\n\nコード：{code}\n\n1回のご注文に使えます。次のリンクを開くとカートに"
        "適用されます。\n{link}\n\nこのメールは、このアドレスでコードが申し込まれたため、一度だけお送りしています。\n",
    ),
    "tr": _Words(
        "{shop} kodunuz",
        "{shop} mağazasına kaydolduğunuz için teşekkürler.\n\nKodunuz: {code}\n\nTek bir siparişte geçerlidir. Bu"
        " bağlantı onu sepetinize ekler:\n{link}\n\nBu tek mesajı, bu adresle bir kod istendiği için alıyorsunuz.\n",
    ),
}


def letter(sign_up: SignUp, shop: Shop, origin: str) -> Letter:
    """To a sign-up that has address and code; `origin` is the address of the shop's storefront."""
    words = _WORDS.get((sign_up.language or "").partition("-")[0], _WORDS["en"])
    code, name = str(sign_up.code), shop.name or shop.domain
    link = f"{origin}/discount/{quote(code)}?{urlencode({'redirect': '/?' + _tagged(sign_up.popup_id)})}"
    return Letter(
        to=str(sign_up.email),
        sender_name=name,
        subject=words.subject.format(shop=name),
        text=words.text.format(shop=name, code=code, link=link),
        about=f"sign-up.{shop.id}.{sign_up.id}",
    )


def _tagged(popup_id: int) -> str:
    """So that the merchant's own statistics say where somebody came from."""
    return urlencode({"utm_source": "perennial", "utm_medium": "email", "utm_campaign": f"popup-{popup_id}"})
