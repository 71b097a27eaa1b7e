"""Erasing texts of an entry over the API: for who administers the installation, and on record."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from coordinator.lib.errors import Missing
from coordinator.lib.models import numbered
from coordinator.lib.serializers import Strict, Text
from coordinator.lib.views import ResourceView
from traceability import archiving
from traceability.models import Entry
from traceability.services import erasing
from traceability.services.erasing import Order


class EraseBody(Strict):
    paths = serializers.ListField(
        child=Text(max_length=500), allow_empty=False, max_length=100,
        help_text="What of the entry's data to erase, such as outputs.summary or fields.description.",
    )  # fmt: skip
    reason = Text(max_length=1000, help_text="Why; it stays on record.")


class ErasedEntry(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    paths = serializers.ListField(child=serializers.CharField())


class ErasedShape(serializers.Serializer[Any]):
    entries = ErasedEntry(many=True, help_text="The entry, and others of its stream that held the same texts.")
    copies = serializers.DictField(child=serializers.IntegerField(), help_text="Rows that lost a copy, by table.")


class ErasingView(ResourceView):
    """Texts of history that must go: personal data, or a secret that was found later. The chain stays whole."""

    queryset = Entry.objects.all()
    serializer_class = ErasedShape
    scopes = {"erase": "trace:erase"}

    @extend_schema(request=EraseBody, responses={200: ErasedShape})
    def erase(self, request: Request, key: str) -> Response:
        """Erases texts of an entry and their copies elsewhere, and tells that in its stream; they read `[erased]`."""
        given = self.body(EraseBody)
        order = Order(reason=given["reason"], actor=self.actor, now=self.now)
        erased = erasing.eraser().erase(self._entry(key), given["paths"], order)
        entries = [{"id": entry, "paths": paths} for entry, paths in erased.entries.items()]
        return Response(ErasedShape({"entries": entries, "copies": erased.copies}).data)

    def _entry(self, key: str) -> Entry:
        """In the table or in a file. Raises Missing, ArchiveMissing, ArchiveChanged."""
        try:
            found: Entry = numbered(self.get_queryset(), key)
        except Missing:
            archived = archiving.find(int(key)) if key.isascii() and key.isdigit() and len(key) < 19 else None
            if archived is None:
                raise
            return archived
        return found
