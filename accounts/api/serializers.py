"""The shapes of accounts, tokens and sessions; no answer ever holds a hash, and a secret only once."""

from typing import Any

from rest_framework import serializers

from accounts import roles
from accounts.models import ApiToken, Session, User
from coordinator.lib.serializers import Strict, Text, TextList, Truth

ROLE_CHOICES = [(role, role) for role in roles.BY_STRENGTH]


class AccountShape(serializers.ModelSerializer[User]):
    role = serializers.CharField(read_only=True, allow_null=True)

    class Meta:
        model = User
        fields: tuple[str, ...] = (
            "id", "email", "name", "kind", "role", "is_active", "last_login", "version", "created_at", "updated_at",
        )  # fmt: skip
        read_only_fields = fields


class MeShape(AccountShape):
    scopes = serializers.SerializerMethodField()

    class Meta(AccountShape.Meta):
        fields = (*AccountShape.Meta.fields, "scopes")
        read_only_fields = fields

    def get_scopes(self, user: User) -> list[str]:
        """What the present credential lets its holder do."""
        return sorted(self.context["request"].auth.scopes)


class NewAccount(Strict):
    email = serializers.EmailField(max_length=254)
    name = Text(required=False, allow_blank=True, max_length=200)
    kind = serializers.ChoiceField(choices=User.Kind.choices, default=User.Kind.PERSON)
    role = serializers.ChoiceField(choices=ROLE_CHOICES, allow_null=True, default=None)
    password = Text(required=False, max_length=200, write_only=True)


class AccountChanges(Strict):
    name = Text(required=False, allow_blank=True, max_length=200)
    role = serializers.ChoiceField(choices=ROLE_CHOICES, allow_null=True, required=False)
    is_active = Truth(required=False)
    password = Text(required=False, max_length=200, write_only=True)


class TokenShape(serializers.ModelSerializer[ApiToken]):
    account = serializers.EmailField(source="user.email", read_only=True)

    class Meta:
        model = ApiToken
        fields: tuple[str, ...] = (
            "id", "account", "name", "prefix", "scopes", "created_at", "expires_at", "last_used_at", "revoked_at",
        )  # fmt: skip
        read_only_fields = fields


class IssuedToken(TokenShape):
    token = serializers.CharField(
        read_only=True,
        allow_null=True,
        help_text="The token itself: shown this once; null in a repeated answer.",
    )

    class Meta(TokenShape.Meta):
        fields = (*TokenShape.Meta.fields, "token")
        read_only_fields = fields


class NewToken(Strict):
    name = Text(max_length=200)
    scopes = TextList(required=False, help_text="Left out: all that both the account and you hold.")
    account = Text(required=False, max_length=254, help_text="E-mail or id; yourself when left out.")
    expires_at = serializers.DateTimeField(required=False, allow_null=True)


class SessionShape(serializers.ModelSerializer[Session]):
    account = serializers.SerializerMethodField()
    current = serializers.SerializerMethodField()
    expires_at = serializers.DateTimeField(source="expire_date", read_only=True)

    class Meta:
        model = Session
        fields: tuple[str, ...] = (
            "id", "account", "current", "ip", "user_agent", "created_at", "last_seen_at", "expires_at",
        )  # fmt: skip
        read_only_fields = fields

    def get_account(self, row: Session) -> str | None:
        return row.user.email if row.user else None

    def get_current(self, row: Session) -> bool:
        """Whether this very request came with it."""
        request = self.context.get("request")
        return getattr(request and request.auth, "session_id", None) == row.pk


class OpenedSession(SessionShape):
    token = serializers.CharField(
        read_only=True, allow_null=True, help_text="A bearer token: shown this once; null in a repeated answer."
    )

    class Meta(SessionShape.Meta):
        fields = (*SessionShape.Meta.fields, "token")
        read_only_fields = fields


class SignIn(Strict):
    email = Text(max_length=254)
    password = Text(max_length=1000, write_only=True)

    def validate_email(self, value: Any) -> str:
        return str(value).strip()
