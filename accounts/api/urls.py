from accounts.api.notifications import DeliveriesView, DeliveryView, NotificationView
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
    route("notifications", NotificationView, "notifications", get="list", post="create"),
    route(
        "notifications/<str:key>",
        NotificationView,
        "notification",
        get="retrieve",
        patch="partial_update",
        delete="destroy",
    ),
    route("notifications/<str:key>/pause", NotificationView, "notification-pause", post="pause"),
    route("notifications/<str:key>/resume", NotificationView, "notification-resume", post="resume"),
    route("notifications/<str:key>/test", NotificationView, "notification-test", post="test"),
    route("notifications/<str:key>/rotate-secret", NotificationView, "notification-rotate", post="rotate"),
    route("notifications/<str:key>/deliveries", DeliveriesView, "notification-deliveries", get="list"),
    route("deliveries/<str:key>", DeliveryView, "delivery", get="retrieve"),
    route("deliveries/<str:key>/resend", DeliveryView, "delivery-resend", post="resend"),
    route("deliveries/<str:key>/skip", DeliveryView, "delivery-skip", post="skip"),
]
