"""What the seeded shop sells and who its people are: a small plant shop in pounds. Called by `year` and `people`."""

from decimal import Decimal
from random import Random
from typing import NamedTuple


class Product(NamedTuple):
    sku: str
    title: str
    price: Decimal
    weight: int  # how often it is bought, relative to the others


_LINES = """
FERN-BOS Boston fern|18.50|6
FERN-MAI Maidenhair fern|16.00|4
MON-DEL Monstera deliciosa|34.00|7
MON-ADA Monstera adansonii|22.00|4
FIC-LYR Fiddle-leaf fig|49.00|3
FIC-ELA Rubber plant|29.00|4
SAN-TRI Snake plant|24.50|6
ZAM-ZAM ZZ plant|27.00|5
CAL-ORB Calathea orbifolia|31.00|3
PIL-PEP Chinese money plant|12.50|6
SUC-TRIO Succulent trio|14.95|7
CAC-MIX Cactus mix, set of 5|19.95|4
ORC-PHA Moth orchid|26.00|4
OLI-TREE Olive tree, 90 cm|79.00|1
LEM-TREE Lemon tree, 70 cm|64.00|1
HRB-SET Kitchen herb set|11.90|6
BUL-TUL Tulip bulbs, 25|9.75|4
BUL-NAR Narcissus bulbs, 25|8.95|3
SEE-WLD Wildflower seeds|4.25|6
SEE-SAL Cut-and-come-again salad seeds|3.45|5
POT-TER-S Terracotta pot, small|4.99|9
POT-TER-L Terracotta pot, large|13.99|5
POT-GLZ Glazed pot, indigo|21.50|3
POT-HNG Hanging planter|17.25|3
SOI-PEA Peat-free compost, 20 l|8.50|8
SOI-ORC Orchid bark, 5 l|6.75|3
FEE-LIQ Liquid plant feed|7.20|6
FEE-TOM Tomato feed|6.10|3
TOO-SEC Secateurs|23.00|2
TOO-CAN Watering can, copper|38.00|2
TOO-MIS Brass mister|15.40|4
TOO-GLV Gardening gloves|10.99|3
GIF-CRD Letterpress gift note|2.80|4
GIF-BOX Gift wrap|3.95|4
BOO-CAR "The Patient Gardener"|16.99|2
WRE-WIN Winter wreath|42.00|2
"""


def _product(line: str) -> Product:
    name, price, weight = line.split("|")
    sku, title = name.split(" ", 1)
    return Product(sku, title, Decimal(price), int(weight))


PRODUCTS = tuple(_product(line) for line in _LINES.strip().splitlines())
_WEIGHTS = tuple(product.weight for product in PRODUCTS)

# fmt: off
FIRST_NAMES = (
    "Amara", "Beatrice", "Chloé", "Dafydd", "Eleanor", "Farah", "Giulia", "Hamish", "Imogen",
    "Jürgen", "Keiko", "Leila", "Maeve", "Niamh", "Oluwaseun", "Priya", "Quentin", "Rhys",
    "Siobhán", "Tomasz", "Uma", "Violet", "Wanda", "Xiomara", "Yusuf", "Zsófia", "Alasdair",
    "Bronwen", "Callum", "Deirdre", "Ewan", "Fiona", "Graham", "Hana", "Isla", "Joan",
    "Kofi", "Lachlan", "Morag", "Nadia",
)
LAST_NAMES = (
    "Abbott", "Baptiste", "Campbell", "Davies", "Eriksson", "Fitzgerald", "Grant", "Hughes", "Ito",
    "Jones", "Kowalski", "Lloyd", "MacLeod", "Nkosi", "O'Brien", "Patel", "Quinn", "Robertson",
    "Svensson", "Taylor", "Unwin", "Vaughan", "Walsh", "Xavier", "Young", "Zieliński", "Ashworth",
    "Bell", "Cohen", "Dubois",
)
# fmt: on


def basket(rng: Random) -> list[dict[str, object]]:
    """One to five different products, as order lines; most are bought once, seeds and pots in numbers."""
    wanted = rng.choices((1, 2, 3, 4, 5), weights=(34, 30, 20, 11, 5))[0]
    chosen = dict.fromkeys(rng.choices(PRODUCTS, weights=_WEIGHTS, k=wanted))
    return [line_of(product, _quantity(rng, product)) for product in chosen]


def line_of(product: Product, quantity: int) -> dict[str, object]:
    return {"title": product.title, "sku": product.sku, "quantity": quantity, "price": str(product.price)}


def _quantity(rng: Random, product: Product) -> int:
    return rng.choices((1, 2, 3, 6), weights=(70, 18, 8, 4) if product.price < 10 else (94, 5, 1, 0))[0]
