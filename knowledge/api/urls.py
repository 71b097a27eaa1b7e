from coordinator.lib.routes import route
from knowledge.api.views import DocumentView, SearchView

urlpatterns = [
    route("knowledge/documents", DocumentView, "documents", get="list", post="create"),
    route(
        "knowledge/documents/<str:key>",
        DocumentView,
        "document",
        get="retrieve",
        patch="partial_update",
        delete="destroy",
    ),
    route("knowledge/search", SearchView, "knowledge-search", post="search"),
]
