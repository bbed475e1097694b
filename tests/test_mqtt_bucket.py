"""A token bucket: a burst, then a rate."""

from agent.mqtt.bucket import Bucket


def test_a_burst_then_a_rate_and_never_more_than_a_burst():
    now = [0.0]
    bucket = Bucket(3, 2.0, lambda: now[0])
    assert [bucket.take() for _ in range(4)] == [True, True, True, False]
    now[0] = 1.0
    assert [bucket.take() for _ in range(3)] == [True, True, False]
    now[0] = 1000.0
    assert [bucket.take() for _ in range(4)] == [True, True, True, False]
