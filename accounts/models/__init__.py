from accounts.models.answer import RememberedAnswer
from accounts.models.delivery import Delivery, LedgerCursor
from accounts.models.endpoint import Endpoint
from accounts.models.session import Session
from accounts.models.throttle import FailedSignIn
from accounts.models.token import ApiToken
from accounts.models.user import User

__all__ = [
    "ApiToken",
    "Delivery",
    "Endpoint",
    "FailedSignIn",
    "LedgerCursor",
    "RememberedAnswer",
    "Session",
    "User",
]
