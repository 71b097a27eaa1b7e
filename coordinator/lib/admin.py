"""The admin's bases: one site with one navigation, changes through services, and lists that only show."""

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.options import IncorrectLookupParameters, csrf_protect_m
from django.contrib.admin.utils import unquote
from django.contrib.admin.widgets import AdminSplitDateTime, BaseAdminDateWidget, BaseAdminTimeWidget
from django.contrib.auth.forms import AuthenticationForm, PasswordChangeForm
from django.contrib.auth.views import PasswordChangeView
from django.core.cache import cache
from django.db.models import DateTimeField, Model
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse

from coordinator.lib.chips import chip
from coordinator.lib.errors import Invalid, Refusal
from coordinator.lib.navigation import holds, navigation

__all__ = ["CoordinatorAdminSite", "ReadOnlyAdmin", "ServiceAdmin", "chip", "chip_column", "holds", "money_column"]

BADGES_S = 5


def chip_column(field: str = "status", title: str = "") -> Callable[[Any], str]:
    """A column for `list_display` that shows a status as a chip."""

    @admin.display(description=title or field.capitalize(), ordering=field)
    def column(row: Any) -> str:
        return chip(getattr(row, field))

    column.__name__ = f"{field}_chip"
    return column


def money_column(field: str, title: str) -> Callable[[Any], str]:
    """A column that shows an amount of US dollars to the cent, a dash when there is none."""

    @admin.display(description=title, ordering=field)
    def column(row: Any) -> str:
        amount = getattr(row, field)
        return "-" if amount is None else f"${amount:,.2f}"

    column.__name__ = f"{field}_money"
    return column


class DateAndTime(AdminSplitDateTime):
    """Django's two inputs for a moment, each with a name of its own, which the field's label gives to neither."""

    def __init__(self, attrs: dict[str, Any] | None = None) -> None:
        named = (BaseAdminDateWidget(attrs={"aria-label": "Date"}), BaseAdminTimeWidget(attrs={"aria-label": "Time"}))
        forms.MultiWidget.__init__(self, named, attrs)


class SignInForm(AuthenticationForm):
    """E-mail and password; every active person may sign in, and roles decide what is seen."""

    error_messages = {
        **AuthenticationForm.error_messages,
        "invalid_login": "E-mail and password do not match an active account. The password keeps its upper case.",
    }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["username"].label = "E-mail"


class CoordinatorAdminSite(admin.AdminSite):
    """Django's admin in our shell. `badges` counts what waits; the pages set it when they are wired."""

    site_header = site_title = "Coordinator"
    index_title = "All records"
    enable_nav_sidebar = False
    login_form = SignInForm
    password_form: type[Any] = PasswordChangeForm
    badges: Callable[[], Mapping[str, int]] = staticmethod(dict)

    def has_permission(self, request: HttpRequest) -> bool:
        return holds(request.user, "missions:read")

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        """The admin begins where everything does: at the overview."""
        return HttpResponseRedirect(reverse("pages:overview"))

    def records(self, request: HttpRequest) -> HttpResponse:
        """Every kind of record that this account may see, as Django's index lists them."""
        return super().index(request)

    def password_change(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        """Django's page with our form, which changes the password through the service of accounts."""
        view = PasswordChangeView.as_view(
            form_class=self.password_form,
            success_url=reverse("admin:password_change_done"),
            template_name="registration/password_change_form.html",
            extra_context={**self.each_context(request), **(extra_context or {})},
        )
        return view(request)

    def each_context(self, request: Any) -> dict[str, Any]:
        return {**super().each_context(request), **self.shell(request), "site_url": None}

    def shell(self, request: HttpRequest) -> dict[str, Any]:
        """What the shell shows on every page: the navigation and the numbers in it."""
        numbers = self.numbers() if self.has_permission(request) else {}
        return {"nav": navigation(request, numbers), "badges": numbers}

    def numbers(self) -> Mapping[str, int]:
        """What waits, by name; at most 5 s old."""
        found: Mapping[str, int] | None = cache.get("nav-badges")
        if found is None:
            found = dict(self.badges())
            cache.set("nav-badges", found, BADGES_S)
        return found


class ScopedAdmin(admin.ModelAdmin[Any]):
    """Seen with `<area>:read`, changed with `<area>:write`; rows are never deleted here."""

    area: ClassVar[str] = "missions"
    read_scope: ClassVar[str] = ""
    write_scope: ClassVar[str] = ""
    list_per_page = 50
    show_full_result_count = False
    formfield_overrides: ClassVar[Any] = {
        DateTimeField: {"form_class": forms.SplitDateTimeField, "widget": DateAndTime}
    }

    class Media:
        js = ("coordinator/names.js",)

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        """Django's list; a NUL, which no column can hold, is a filter that makes no sense."""
        if any("\0" in value for _, values in request.GET.lists() for value in values):
            raise IncorrectLookupParameters
        return super().get_changelist_instance(request)

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return holds(request.user, self.read_scope or f"{self.area}:read")

    def has_write_permission(self, request: HttpRequest) -> bool:
        """For admin actions: `@admin.action(permissions=["write"])`."""
        return holds(request.user, self.write_scope or f"{self.area}:write")

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class ReadOnlyAdmin(ScopedAdmin):
    """A list and a page that show everything and change nothing."""


class ServiceAdmin(ScopedAdmin):
    """A form whose save is one call of a service. What the service refuses is said at the form; nothing is saved.

    Subclasses give `create_through` and `change_through`; an admin that gives neither only shows.
    """

    def create_through(self, request: HttpRequest, data: dict[str, Any]) -> Model:
        """Makes the row from every field of the form. Raises Refusal."""
        raise Refusal("Rows of this kind are not made by hand.")

    def change_through(self, request: HttpRequest, row: Any, data: dict[str, Any]) -> Model:
        """Changes the row by the fields that differ. Raises Refusal."""
        raise Refusal("Rows of this kind are not changed by hand.")

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return _gives(self, "create_through") and self.has_write_permission(request)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return _gives(self, "change_through") and self.has_write_permission(request)

    def get_form(self, request: Any, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        form = super().get_form(request, obj, change=change, **kwargs)
        refusal: Refusal | None = getattr(request, "refusal", None)
        return form if refusal is None else refused(form, refusal)

    @csrf_protect_m  # type: ignore[untyped-decorator]
    def changeform_view(
        self, request: Any, object_id: str | None = None, form_url: str = "", extra_context: Any = None
    ) -> Any:
        """Without Django's transaction around it: the service has its own, and a refusal may stay on record."""
        try:
            return self._changeform_view(request, object_id, form_url, extra_context)  # type: ignore[attr-defined]
        except Refusal as refusal:
            request.refusal = refusal
            return self._changeform_view(request, object_id, form_url, extra_context)  # type: ignore[attr-defined]

    def save_model(self, request: Any, obj: Any, form: Any, change: bool) -> None:
        given = form.cleaned_data
        if change:
            stored = self.model._default_manager.get(pk=obj.pk)
            row = self.change_through(request, stored, {name: given[name] for name in form.changed_data})
        else:
            row = self.create_through(request, dict(given))
        obj.__dict__.update(row.__dict__)

    def save_related(self, request: Any, form: Any, formsets: Any, change: bool) -> None:
        """Nothing: the service has stored the relations."""

    def construct_change_message(self, request: Any, form: Any, formsets: Any, add: bool = False) -> list[Any]:
        """Nothing: the ledger is the only history."""
        return []

    def log_addition(self, request: Any, obj: Any, message: Any) -> Any:
        """Nothing: the ledger is the only history."""

    def log_change(self, request: Any, obj: Any, message: Any) -> Any:
        """Nothing: the ledger is the only history."""

    def each(self, request: HttpRequest, rows: Any, do: Callable[[Any], Any], done: str) -> HttpResponse | None:
        """For admin actions: does one thing to each row and tells what was refused. `done` takes the count."""
        count = 0
        for row in rows:
            try:
                do(row)
                count += 1
            except Refusal as refusal:
                self.message_user(request, f"{row}: {refusal.detail}", messages.ERROR)
        if count:
            self.message_user(request, done.format(count), messages.SUCCESS)
        return None

    def history_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        """The row's history is in the trace log."""
        row = self.get_object(request, unquote(object_id))
        if row is None or not self.has_view_permission(request, row):
            raise Http404("There is no such row.")
        return HttpResponseRedirect(f"{reverse('pages:trace')}?q={row}")


def _gives(admin_of: ServiceAdmin, method: str) -> bool:
    return getattr(type(admin_of), method) is not getattr(ServiceAdmin, method)


def refused(form: type[forms.ModelForm[Any]], refusal: Refusal) -> type[forms.ModelForm[Any]]:
    """The same form, which says at its fields why the service refused."""

    class Refused(form):  # type: ignore[valid-type, misc]
        def clean(self) -> Any:
            cleaned = super().clean()
            told = refusal.errors if isinstance(refusal, Invalid) else {"": [refusal.detail]}
            for name, texts in told.items():
                for text in texts:
                    self.add_error(name if name in self.fields else None, text)
            return cleaned

    return Refused
