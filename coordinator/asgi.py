"""HTTP and WebSocket, by one server: `uvicorn coordinator.asgi:application`, or daphne."""

import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "coordinator.settings")
http = get_asgi_application()

from channels.routing import ProtocolTypeRouter, URLRouter  # noqa: E402  (needs the apps loaded)

from accounts.socket import WithCredential  # noqa: E402
from coordinator.lib.bodies import LimitedBodies  # noqa: E402
from coordinator.live import websocket_urlpatterns  # noqa: E402

application = ProtocolTypeRouter(
    {"http": LimitedBodies(http), "websocket": WithCredential(URLRouter(websocket_urlpatterns))}
)
