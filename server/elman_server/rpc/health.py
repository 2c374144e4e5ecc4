"""The health service of gRPC, whose package ships without types: it is named only here."""

from typing import Any, cast

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc


class Health:
    """Whether the server and its one service are SERVING, under the names "" and the service's own."""

    def __init__(self, service: str) -> None:
        self._names = ("", service)
        self.is_serving = False
        self._servicer = cast("Any", health).aio.HealthServicer()

    def add_to(self, server: grpc.aio.Server) -> None:
        """Answer health checks on the server."""
        cast("Any", health_pb2_grpc).add_HealthServicer_to_server(self._servicer, server)

    async def set_serving(self, is_serving: bool) -> None:
        """Tell those who check and those who watch."""
        self.is_serving = is_serving
        statuses = health_pb2.HealthCheckResponse
        for name in self._names:
            await self._servicer.set(name, statuses.SERVING if is_serving else statuses.NOT_SERVING)
