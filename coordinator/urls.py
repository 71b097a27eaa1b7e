"""Every address of the product."""

from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path
from drf_spectacular.views import SpectacularJSONAPIView

from coordinator import probes
from coordinator.docs import DocsView


def _known(address, module):  # type: ignore[no-untyped-def]  # TEMPORARY while rooms are being built
    try:
        return [path(address, include(module))]
    except ImportError as missing:
        print("not yet:", module, missing)  # noqa: T201
        return []


urlpatterns: list[URLPattern | URLResolver] = [
    path("healthz", probes.healthz, name="healthz"),
    path("readyz", probes.readyz, name="readyz"),
    path("metrics", probes.metrics, name="metrics"),
    path("api/schema", SpectacularJSONAPIView.as_view(), name="schema"),
    path("api/docs", DocsView.as_view(), name="docs"),
    *_known("api/", "accounts.api.urls"),
    *_known("api/", "traceability.api.urls"),
    *_known("api/", "agents.api.urls"),
    *_known("api/", "sprints.api.urls"),
    *_known("api/", "policies.api.urls"),
    *_known("api/", "knowledge.api.urls"),
    *_known("api/", "missions.api.urls"),
    path("admin/", admin.site.urls),
    *_known("", "coordinator.dashboard.urls"),
]
