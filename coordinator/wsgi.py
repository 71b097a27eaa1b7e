"""HTTP alone, for servers of that kind; pages are live only where WebSockets are served (`coordinator.asgi`)."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "coordinator.settings")
application = get_wsgi_application()
