"""Every address of the product."""

from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path
from drf_spectacular.views import SpectacularJSONAPIView

from coordinator import probes
from coordinator.docs import DocsView
from coordinator.lib.routes import route
from coordinator.stream import StreamView

urlpatterns: list[URLPattern | URLResolver] = [
    path("healthz", probes.healthz, name="healthz"),
    path("readyz", probes.readyz, name="readyz"),
    path("metrics", probes.metrics, name="metrics"),
    path("api/schema", SpectacularJSONAPIView.as_view(), name="schema"),
    path("api/docs", DocsView.as_view(), name="docs"),
    route("api/stream", StreamView, "stream", get="follow"),
    path("api/", include("accounts.api.urls")),
    path("api/", include("traceability.api.urls")),
    path("api/", include("agents.api.urls")),
    path("api/", include("sprints.api.urls")),
    path("api/", include("policies.api.urls")),
    path("api/", include("knowledge.api.urls")),
    path("api/", include("missions.api.urls")),
    path("admin/", admin.site.urls),
    path("", include("coordinator.dashboard.urls")),
]
