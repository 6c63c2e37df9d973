"""What Redis says of itself, from a real server that is then killed."""

from __future__ import annotations

import pytest
from prometheus_client import CollectorRegistry

from talk_agent.metrics import RedisMetrics, redis_metrics
from talk_agent.sessions.redis_figures import ObservedRedisServer, watching_redis
from talk_kit.errors import Unavailable
from tests.fakes.valkey import valkey
from tests.fakes.waiting import eventually

pytestmark = pytest.mark.loopback


def value(registry: CollectorRegistry, name: str) -> float | None:
    return registry.get_sample_value(f"talk_agent_redis_{name}")


async def test_the_figures_follow_the_server() -> None:
    from prometheus_client import REGISTRY

    with valkey("--maxmemory", "64mb") as server:
        async with watching_redis(server.address, interval=0.01):
            # The process's metrics may still show another test's server.
            await eventually(lambda: value(REGISTRY, "memory_limit_bytes") == 64 << 20)
            assert value(REGISTRY, "up") == 1
            assert (value(REGISTRY, "memory_bytes") or 0) > 0
            assert value(REGISTRY, "persistence_ok") == 1
            assert (value(REGISTRY, "clients") or 0) >= 1
            server.kill()
            await eventually(lambda: value(REGISTRY, "up") == 0)
            server.start()
            await eventually(lambda: value(REGISTRY, "up") == 1)
    redis_metrics().up.set(1)


async def test_each_round_trip_is_timed_and_each_failure_counted() -> None:
    registry = CollectorRegistry()
    with valkey() as server:
        observed = ObservedRedisServer(server.address, RedisMetrics(registry))
        await observed.run(("PING",), ("PING",))
        assert (value(registry, "command_seconds_count"), value(registry, "errors_total")) == (1, 0)
        server.kill()
        with pytest.raises(Unavailable):
            await observed.run(("PING",))
        assert (value(registry, "command_seconds_count"), value(registry, "errors_total")) == (2, 1)
        await observed.close()


def test_a_write_that_failed_shows() -> None:
    registry = CollectorRegistry()
    metrics = RedisMetrics(registry)
    metrics.show(b"# Persistence\r\nrdb_last_bgsave_status:ok\r\naof_last_write_status:err\r\n")
    assert value(registry, "persistence_ok") == 0
    metrics.show(b"rdb_last_bgsave_status:ok\r\naof_last_write_status:ok\r\nused_memory:nonsense\r\n")
    assert value(registry, "persistence_ok") == 1
    assert value(registry, "memory_bytes") == 0
