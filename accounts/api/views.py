"""Accounts, tokens and sessions over the API."""

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.permissions import AllowAny, BasePermission
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api import serializers as shapes
from accounts.auth import address_of
from accounts.models import ApiToken, Session, User
from accounts.services import issuing_tokens, managing_people, signing_in
from coordinator.lib.errors import NotAllowed
from coordinator.lib.filters import Choice, Search
from coordinator.lib.models import numbered
from coordinator.lib.permissions import SignedIn
from coordinator.lib.views import Endpoint, Lists, ResourceView, Shows


class MeView(Endpoint):
    """The account behind the credential."""

    scopes = {"retrieve": ""}
    permission_classes = [SignedIn]
    serializer_class = shapes.MeShape

    def retrieve(self, request: Request) -> Response:
        me: Any = request.user
        return Response(shapes.MeShape(me, context={"request": request}).data)


class ManagesKeys(SignedIn):
    """Grants to a sign-in and to tokens that hold `accounts:admin`: a lesser token must not outlive its revocation."""

    message = "Tokens and sessions are managed signed in, or with a token that holds 'accounts:admin'."

    def has_permission(self, request: Request, view: Any) -> bool:
        known = super().has_permission(request, view)
        return known and (view.action is None or bool(getattr(request.auth, "manages_keys", False)))


class AccountView(Lists, Shows, ResourceView):
    """People and service accounts; only for admins."""

    resource = "account"
    serializer_class = shapes.AccountShape
    queryset = User.objects.knowing_role()
    filters = {"kind": Choice("kind", User.Kind), "q": Search("email", "name")}
    scopes = {
        "list": "accounts:admin",
        "retrieve": "accounts:admin",
        "create": "accounts:admin",
        "partial_update": "accounts:admin",
    }

    @extend_schema(request=shapes.NewAccount, responses={201: shapes.AccountShape})
    def create(self, request: Request) -> Response:
        user = managing_people.create_account(**self.body(shapes.NewAccount), actor=self.actor, now=self.now)
        return self.answer(user, status.HTTP_201_CREATED)

    @extend_schema(request=shapes.AccountChanges, responses=shapes.AccountShape)
    def partial_update(self, request: Request, key: str) -> Response:
        user, changes = self.row(), self.body(shapes.AccountChanges)
        revised = managing_people.revise_account(
            user, actor=self.actor, now=self.now, expected=self.expected, **changes
        )
        return self.answer(revised)


class TokenView(Lists, ResourceView):
    """API tokens: one's own; an admin's view holds everybody's. Only for who signed in, and for an admin's tokens."""

    resource = "api_token"
    serializer_class = shapes.TokenShape
    queryset = ApiToken.objects.select_related("user")
    scopes = {"list": "", "create": "", "destroy": ""}
    permission_classes = [ManagesKeys]

    def get_queryset(self) -> QuerySet[ApiToken]:
        return own(super().get_queryset(), self.request)

    @extend_schema(request=shapes.NewToken, responses={201: shapes.IssuedToken})
    def create(self, request: Request) -> Response:
        fields = self.body(shapes.NewToken)
        user = self._account(fields.get("account"))
        mine: Any = request.auth
        token, secret = issuing_tokens.issue(
            user,
            name=fields["name"],
            scopes=fields.get("scopes", user.scopes & mine.scopes),
            actor=self.actor,
            now=self.now,
            expires_at=fields.get("expires_at"),
            within=mine.scopes,
            until=mine.expires_at,
            issued_by=self.request.user,
        )
        return shown_once(shapes.TokenShape(token).data, secret)

    def destroy(self, request: Request, key: str) -> Response:
        token = numbered(self.get_queryset(), key)
        issuing_tokens.revoke(token, actor=self.actor, now=self.now)
        return Response(status=status.HTTP_204_NO_CONTENT)

    def _account(self, named: str | None) -> User:
        me: Any = self.request.user
        if me.kind == User.Kind.SERVICE:
            raise NotAllowed("Service accounts do not issue tokens; an admin issues them.")
        if named is None:
            return me  # type: ignore[no-any-return]
        if "accounts:admin" not in self.request.auth.scopes:
            raise NotAllowed("Only an admin issues tokens for another account.")
        found: User = User.objects.identified(named)
        return found


class SessionView(Lists, ResourceView):
    """Sign-ins: one's own; an admin's view holds everybody's. Only for who signed in, and for an admin's tokens."""

    resource = "session"
    serializer_class = shapes.SessionShape
    queryset = Session.objects.filter(user__isnull=False).select_related("user")
    scopes = {"list": "", "create": "", "destroy": ""}

    def get_permissions(self) -> list[BasePermission]:
        return [AllowAny()] if self.action == "create" else [ManagesKeys()]

    def get_queryset(self) -> QuerySet[Session]:
        return own(super().get_queryset().live(self.now), self.request)  # type: ignore[attr-defined]

    @extend_schema(request=shapes.SignIn, responses={201: shapes.OpenedSession}, auth=[])
    def create(self, request: Request) -> Response:
        """Signs in with e-mail and password; the answer holds a bearer token."""
        fields, ip = self.body(shapes.SignIn), address_of(request._request)
        user = signing_in.check_password(**fields, ip=ip, now=self.now)
        agent = request.headers.get("User-Agent", "")
        named = getattr(request, "request_id", None)
        row, token = signing_in.open_session(user, ip=ip, user_agent=agent, now=self.now, request_id=named)
        return shown_once(shapes.SessionShape(row).data, token)

    def destroy(self, request: Request, key: str) -> Response:
        row = numbered(self.get_queryset(), key)
        signing_in.revoke_session(row, actor=self.actor, now=self.now)
        return Response(status=status.HTTP_204_NO_CONTENT)


def shown_once(shape: Any, secret: str) -> Response:
    """201 with the secret; an answer repeated for an `Idempotency-Key` has null in its place."""
    response = Response({**shape, "token": secret}, status=status.HTTP_201_CREATED)
    response.replay = {**shape, "token": None}  # type: ignore[attr-defined]
    return response


def own(rows: QuerySet[Any], request: Request) -> QuerySet[Any]:
    """Everything for an admin, one's own for everybody else."""
    held: frozenset[str] = getattr(request.auth, "scopes", frozenset())
    return rows if "accounts:admin" in held else rows.filter(user=request.user)
