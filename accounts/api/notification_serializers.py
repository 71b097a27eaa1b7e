"""The shapes of notifications and of what was sent; the secret of a webhook is in an answer only when it is new."""

from rest_framework import serializers

from accounts.models import Delivery, Endpoint
from coordinator.lib.serializers import Key, Strict, Text, TextList

TOPICS = "Topics of the live stream, such as `tasks` or `mission:checkout`, and `needs-you`: what waits for a person."
ADDRESS = "Where it goes. Of Slack, and of what is not yours, the host alone is shown; of e-mail it is your own."


class EndpointShape(serializers.ModelSerializer[Endpoint]):
    owner = serializers.EmailField(source="owner.email", read_only=True)
    address = serializers.SerializerMethodField(help_text=ADDRESS)
    waiting = serializers.IntegerField(read_only=True, help_text="Deliveries that are still to be sent.")

    class Meta:
        model = Endpoint
        fields: tuple[str, ...] = (
            "id", "endpoint_id", "owner", "kind", "address", "topics", "state", "paused_because", "failures",
            "failing_since", "due_at", "waiting", "secret_version", "rotated_at", "version", "created_at", "updated_at",
        )  # fmt: skip
        read_only_fields = fields

    def get_address(self, endpoint: Endpoint) -> str:
        """Whole for its owner, unless it is itself a secret."""
        mine = endpoint.owner_id == self.context["request"].user.pk
        return endpoint.address if mine and endpoint.kind != Endpoint.Kind.SLACK else endpoint.shown_address


class EndpointWithSecret(EndpointShape):
    secret = serializers.CharField(
        read_only=True,
        allow_null=True,
        help_text="`whsec_...`, of a webhook: shown this once; null in a repeated answer and for other kinds.",
    )

    class Meta(EndpointShape.Meta):
        fields = (*EndpointShape.Meta.fields, "secret")
        read_only_fields = fields


class NewEndpoint(Strict):
    endpoint_id = Key()
    kind = serializers.ChoiceField(choices=Endpoint.Kind.choices)
    address = Text(required=False, allow_blank=True, max_length=2000, help_text="Left out for e-mail.")
    topics = TextList(help_text=TOPICS)


class EndpointChanges(Strict):
    address = Text(required=False, max_length=2000)
    topics = TextList(required=False, help_text=TOPICS)


class DeliveryShape(serializers.ModelSerializer[Delivery]):
    notification = serializers.CharField(source="endpoint.endpoint_id", read_only=True)

    class Meta:
        model = Delivery
        fields: tuple[str, ...] = (
            "id", "notification", "message_id", "entry", "topic", "event", "at", "state", "attempts", "attempted_at",
            "delivered_at", "status", "took_ms", "answer", "created_at",
        )  # fmt: skip
        read_only_fields = fields


class NothingMore(Strict):
    """No field: the address says it all."""
