"""Token buckets forget those who asked longest ago, never those who just did."""

from app.api.rate import TokenBuckets


def test_made_up_keys_do_not_fill_the_memory_and_do_not_set_a_busy_key_free() -> None:
    buckets = TokenBuckets(per_second=1, burst=1, most_keys=100, monotonic=lambda: 0.0)
    assert buckets.take(b"busy") == 0
    for number in range(1_000):
        assert buckets.take(b"%d" % number) == 0
        assert buckets.take(b"busy") == 1
    assert len(buckets._buckets) == 100
