"""An importer in a process of its own, to be killed. Its arguments: home, database, Shopify's origin, shop, run."""

import sys
import time
from pathlib import Path

from app import job_table
from app.config import Settings
from app.crypto import KeyRing
from app.db import Database
from app.intake import afterwards, comparing, products, reading, running, taking
from app.runtime import Runtime
from app.shopify import bulk


def main() -> None:
    """Carry the run on to its end, in pieces so small that death can come between any two of them."""
    home, database, origin, shop_id, run_id = sys.argv[1:]
    settings = Settings(
        home=Path(home),
        database_url=database,
        encryption_keys=(b"k" * 32,),
        dev=True,
        shopify_origin=f"{origin}/{{shop}}",
    )
    runtime = Runtime(settings, Database(database), KeyRing(settings.encryption_keys))
    job_table.load()
    reading.CHUNK_BYTES = bulk._BLOCK = 4_000
    comparing.BATCH = taking.BATCH = afterwards.BATCH = products.BATCH = 20
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    while (wait := running.carry_on(runtime, int(shop_id), int(run_id), seconds=1)) is not None:
        time.sleep(min(wait.total_seconds(), 0.05))


if __name__ == "__main__":
    main()
