"""All benchmarks at a tiny size in one world, which costs more than they do: `python -m tests.benchmarks.tiny`."""

from benchmarks import balance_import, proxy, segments, webhook_door, webhook_latency, webhook_processing, what_if
from benchmarks.world import World

PROCESSING = "--events 150 --single-events 5 --warm-up 20"
LATENCY = "--rate 60 --seconds 1 --burst 60 --burst-seconds 0.5 --connections 8"
DOOR = "--without-rival --seconds 0.3 --rounds 1 --warm-up 0.1 --connections 8"


PROXY = "--rate 40 --seconds 0.5 --connections 4 --warm-up 8 --alone 2 --at-once 8"


def main() -> None:
    """The door comes after the others: it counts what nobody works on."""
    with World("tiny") as world:
        webhook_processing.run(world, webhook_processing.parse(PROCESSING.split()))
        world.stop_everything()
        webhook_latency.run(world, webhook_latency.parse(LATENCY.split()))
        world.stop_everything()
        webhook_door.run(world, webhook_door.parse(DOOR.split()))
        world.stop_everything()
        proxy.run(world, proxy.parse(PROXY.split()))
        what_if.run(world, what_if.parse(["--orders", "300"]))
        balance_import.run(world, balance_import.parse(["--rows", "200", "--with-undo"]))
        # Of those that the others have left there; a day later than they believe.
        segments.run(world, segments.parse(["--events", "2"]))


if __name__ == "__main__":
    main()
