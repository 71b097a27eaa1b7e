from accounts.api.schemes import BearerScheme, BrowserScheme
from accounts.api.views import AccountView, MeView, SessionView, TokenView
from coordinator.lib.routes import route

__all__ = ["BearerScheme", "BrowserScheme", "urlpatterns"]

urlpatterns = [
    route("me", MeView, "me", get="retrieve"),
    route("accounts", AccountView, "accounts", get="list", post="create"),
    route("accounts/<str:key>", AccountView, "account", get="retrieve", patch="partial_update"),
    route("tokens", TokenView, "tokens", get="list", post="create"),
    route("tokens/<str:key>", TokenView, "token", delete="destroy"),
    route("sessions", SessionView, "sessions", get="list", post="create"),
    route("sessions/<str:key>", SessionView, "session", delete="destroy"),
]
