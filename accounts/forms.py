"""The admin's forms for accounts and tokens: they read, the services decide."""

from typing import Any

from django import forms
from django.contrib.admin.forms import AdminPasswordChangeForm
from django.utils import timezone

from accounts import auth, roles
from accounts.models import ApiToken, User
from accounts.services import managing_people

ROLES = [("", "no role"), *((role, role) for role in roles.BY_STRENGTH)]


class AccountForm(forms.ModelForm[User]):
    role = forms.ChoiceField(choices=ROLES, required=False, help_text="What the account may do, in every place.")
    new_password = forms.CharField(
        required=False,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text="At least 12 characters; a new one ends every session. Service accounts have tokens instead.",
    )

    class Meta:
        model = User
        fields = ("email", "name", "kind", "is_active")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            self.initial["role"] = self.instance.role or ""


class TokenForm(forms.ModelForm[ApiToken]):
    scopes = forms.MultipleChoiceField(
        choices=[(scope, scope) for scope in sorted(roles.SCOPES)],
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text="None chosen: all that the account's role holds.",
    )

    class Meta:
        model = ApiToken
        fields = ("user", "name", "scopes", "expires_at")


class OwnPasswordForm(AdminPasswordChangeForm):
    """One's own new password, through the service: it ends every other session."""

    def save(self, commit: bool = True) -> User:
        user = managing_people.revise_account(
            self.user, password=self.cleaned_data["new_password1"], actor=auth.actor_for(self.user), now=timezone.now()
        )
        self.user.password = user.password
        return user
