"""The API's reference in the browser, from this server's own files: it works with no internet."""

from typing import Any

from django.views.generic import TemplateView


class DocsView(TemplateView):
    template_name = "coordinator/docs.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(title="API reference", **kwargs)
