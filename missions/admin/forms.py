"""The forms of missions and tasks: rows of other tables are named by public key, lists have a line for each text."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from accounts.models import User
from coordinator.lib.errors import Missing
from coordinator.lib.models import Resource
from missions.models import Mission, Task
from traceability.models import Requirement


class Lines(forms.CharField):
    """A list of texts, one a line."""

    widget = forms.Textarea(attrs={"rows": 4})

    def prepare_value(self, value: Any) -> Any:
        return "\n".join(str(each) for each in value) if isinstance(value, list) else value

    def to_python(self, value: Any) -> Any:
        given = value if isinstance(value, list) else str(value or "").splitlines()
        return [text.strip() for text in given if str(text).strip()]


class Keys(forms.CharField):
    """Rows of another table, named by public key or integer id and separated by commas or spaces."""

    def __init__(self, model: type[Resource], **kwargs: Any) -> None:
        self.model = model
        super().__init__(required=False, **kwargs)

    def prepare_value(self, value: Any) -> Any:
        return ", ".join(each.key for each in value) if isinstance(value, list) else value

    def to_python(self, value: Any) -> Any:
        if isinstance(value, list):
            return value
        try:
            return [self._named(name) for name in str(value or "").replace(",", " ").split()]
        except Missing as unknown:
            raise ValidationError(unknown.detail) from unknown

    def has_changed(self, initial: Any, data: Any) -> bool:
        before = {row.pk for row in initial or ()}
        try:
            return before != {row.pk for row in self.to_python(data)}
        except ValidationError:
            return True

    def _named(self, name: str) -> Any:
        return self.model._default_manager.identified(name)  # type: ignore[attr-defined]


class MissionForm(forms.ModelForm[Mission]):
    owner = forms.ModelChoiceField(User.objects.active().people().order_by("email"), required=False)

    class Meta:
        model = Mission
        fields = (
            "mission_id", "goal", "description", "owner", "budget_usd", "deadline", "review_required", "four_eyes",
            "execution_limit", "thresholds",
        )  # fmt: skip


class TaskForm(forms.ModelForm[Task]):
    acceptance_criteria = Lines(required=False, help_text="One a line.")
    required_capabilities = Lines(required=False, help_text="One a line.")
    needs_keys = Keys(Task, label="Depends on", help_text="Public keys of tasks, separated by commas.")
    requirement_keys = Keys(Requirement, label="Requirements", help_text="Public keys, separated by commas.")

    class Meta:
        model = Task
        fields = (
            "mission", "task_id", "objective", "description", "priority", "sprint", "agent", "acceptance_criteria",
            "required_capabilities", "budget_usd", "due_at", "review_required",
        )  # fmt: skip

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            self.initial["needs_keys"] = list(self.instance.depends_on.order_by("task_id"))
            self.initial["requirement_keys"] = list(self.instance.requirements.order_by("requirement_id"))
