"""Tests stored with policies, and waivers: asked for, granted by another person, used so many times, each step told."""

import datetime

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models
from django.db.models import F, Q

KEPT = r"""
CREATE FUNCTION policies_waiver_kept() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    steps text[] := ARRAY['state', 'grantor_id', 'granted_at', 'revoked_by_id', 'revoked_at', 'uses_left', 'reason'];
    was jsonb;
    now jsonb := to_jsonb(NEW);
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF NEW.state <> 'requested' OR NEW.uses_left <> NEW.uses OR NEW.grantor_id IS NOT NULL THEN
            RAISE EXCEPTION 'a waiver begins as a request'
                USING ERRCODE = 'check_violation', CONSTRAINT = 'a_waiver_goes_forward_only';
        END IF;
        RETURN NEW;
    END IF;
    was := to_jsonb(OLD);
    IF was - steps <> now - steps
        OR (OLD.reason <> NEW.reason AND OLD.reason NOT LIKE
            replace(replace(replace(replace(NEW.reason, '\', '\\'), '%', '\%'), '_', '\_'), '[erased]', '%'))
        OR (OLD.uses_left <> NEW.uses_left AND (NEW.uses_left <> OLD.uses_left - 1 OR OLD.state <> 'granted'))
        OR (OLD.state <> NEW.state
            AND (OLD.state, NEW.state) NOT IN (('requested', 'granted'), ('requested', 'revoked'), ('granted', 'revoked')))
        OR ((OLD.grantor_id, OLD.granted_at) IS DISTINCT FROM (NEW.grantor_id, NEW.granted_at)
            AND (OLD.state, NEW.state) <> ('requested', 'granted'))
        OR (OLD.state = 'revoked' AND (OLD.revoked_by_id, OLD.revoked_at) IS DISTINCT FROM (NEW.revoked_by_id, NEW.revoked_at))
    THEN
        RAISE EXCEPTION 'waiver % goes from request to grant, use by use, to its end', OLD.id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'a_waiver_goes_forward_only';
    END IF;
    IF OLD.grantor_id IS DISTINCT FROM NEW.grantor_id
        AND NOT EXISTS (SELECT FROM accounts_user WHERE id = NEW.grantor_id AND kind = 'person') THEN
        RAISE EXCEPTION 'waiver % is granted by no person', OLD.id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'people_grant_waivers';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER waiver_goes_forward BEFORE INSERT OR UPDATE ON policies_waiver
    FOR EACH ROW EXECUTE FUNCTION policies_waiver_kept();
CREATE TRIGGER waiver_kept BEFORE DELETE ON policies_waiver
    FOR EACH ROW EXECUTE FUNCTION policies_refuse();
CREATE TRIGGER waiver_no_truncate BEFORE TRUNCATE ON policies_waiver
    FOR EACH STATEMENT EXECUTE FUNCTION policies_refuse();
CREATE CONSTRAINT TRIGGER waiver_erasure_told AFTER UPDATE ON policies_waiver
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (OLD.reason <> NEW.reason)
    EXECUTE FUNCTION policies_erasure_told();
ALTER TABLE policies_waiver ENABLE ALWAYS TRIGGER waiver_goes_forward;
ALTER TABLE policies_waiver ENABLE ALWAYS TRIGGER waiver_kept;
ALTER TABLE policies_waiver ENABLE ALWAYS TRIGGER waiver_no_truncate;
ALTER TABLE policies_waiver ENABLE ALWAYS TRIGGER waiver_erasure_told;
"""

GUARD = """
CREATE CONSTRAINT TRIGGER {name} AFTER {event} ON policies_waiver
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW {when} EXECUTE FUNCTION policies_told({told});
ALTER TABLE policies_waiver ENABLE ALWAYS TRIGGER {name};
"""

GUARDS = (
    ("waiver_request_told", "INSERT", "", "'{waiver.requested}', 'refs.subject.id', 'id', 'data.uses', 'uses'"),
    (
        "waiver_grant_told",
        "UPDATE OF state",
        "WHEN (OLD.state <> NEW.state AND NEW.state = 'granted')",
        "'{waiver.granted}', 'refs.subject.id', 'id'",
    ),
    (
        "waiver_revocation_told",
        "UPDATE OF state",
        "WHEN (OLD.state <> NEW.state AND NEW.state = 'revoked')",
        "'{waiver.revoked}', 'refs.subject.id', 'id'",
    ),
    (
        "waiver_use_told",
        "UPDATE OF uses_left",
        "WHEN (OLD.uses_left <> NEW.uses_left)",
        "'{waiver.used}', 'refs.subject.id', 'id', 'data.uses_left', 'uses_left'",
    ),
)
"""Name, event, condition, and what the entry must say."""

FIXED = r"""
DO $$
DECLARE
    each regprocedure;
BEGIN
    FOR each IN SELECT oid FROM pg_proc
        WHERE pronamespace = current_schema()::regnamespace AND proname LIKE 'policies\_%'
    LOOP
        EXECUTE format('ALTER FUNCTION %s SET search_path = pg_catalog, %I, pg_temp', each, current_schema());
    END LOOP;
END $$;
"""

TESTS = models.JSONField(blank=True, default=list, help_text="Tried at every save; a failing one refuses it.")


def account(name):
    return models.ForeignKey(
        null=True, on_delete=django.db.models.deletion.PROTECT, related_name=name, to=settings.AUTH_USER_MODEL
    )


class Migration(migrations.Migration):
    dependencies = [("policies", "0004_erasing"), migrations.swappable_dependency(settings.AUTH_USER_MODEL)]
    operations = [
        migrations.AddField(model_name="policy", name="tests", field=TESTS),
        migrations.AddField(model_name="policyrevision", name="tests", field=TESTS.clone()),
        migrations.CreateModel(
            name="Waiver",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "policy",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="waivers", to="policies.policy"
                    ),
                ),
                ("mission_id", models.BigIntegerField(null=True)),
                ("mission_key", models.CharField(blank=True, max_length=100)),
                ("task_id", models.BigIntegerField(null=True)),
                ("task_key", models.CharField(blank=True, max_length=100)),
                ("agent_id", models.BigIntegerField(null=True)),
                ("agent_key", models.CharField(blank=True, max_length=100)),
                (
                    "digest",
                    models.CharField(blank=True, editable=False, max_length=64, verbose_name="digest of the action"),
                ),
                ("reason", models.TextField()),
                (
                    "requester",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="waivers_requested",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                ("requester_name", models.CharField(max_length=254)),
                (
                    "state",
                    models.CharField(
                        choices=[("requested", "Requested"), ("granted", "Granted"), ("revoked", "Revoked")],
                        default="requested",
                        max_length=16,
                    ),
                ),
                ("created_at", models.DateTimeField()),
                ("expires_at", models.DateTimeField()),
                ("uses", models.PositiveIntegerField(default=1)),
                ("uses_left", models.PositiveIntegerField(default=1)),
                ("grantor", account("waivers_granted")),
                ("granted_at", models.DateTimeField(null=True)),
                ("revoked_by", account("waivers_revoked")),
                ("revoked_at", models.DateTimeField(null=True)),
            ],
            options={
                "indexes": [models.Index(fields=["policy", "state", "expires_at"], name="waiver_in_force")],
                "constraints": [
                    models.CheckConstraint(
                        condition=Q(state__in=["requested", "granted", "revoked"]),
                        name="waiver_state_is_one_of_the_table",
                    ),
                    models.CheckConstraint(
                        condition=~Q(mission_id=None) | ~Q(task_id=None) | ~Q(agent_id=None) | ~Q(digest=""),
                        name="a_waiver_names_what_it_is_for",
                    ),
                    models.CheckConstraint(
                        condition=Q(expires_at__gt=F("created_at"))
                        & Q(expires_at__lte=F("created_at") + datetime.timedelta(days=30)),
                        name="a_waiver_lasts_thirty_days_at_most",
                    ),
                    models.CheckConstraint(
                        condition=Q(uses__gte=1, uses__lte=1000) & Q(uses_left__lte=F("uses")),
                        name="a_waiver_has_some_uses",
                    ),
                    models.CheckConstraint(
                        condition=Q(grantor=None, granted_at=None) | Q(grantor__isnull=False, granted_at__isnull=False),
                        name="a_waiver_is_granted_by_somebody_at_some_time",
                    ),
                    models.CheckConstraint(
                        condition=~Q(state="granted") | Q(grantor__isnull=False),
                        name="a_granted_waiver_has_a_grantor",
                    ),
                    models.CheckConstraint(
                        condition=Q(grantor=None) | ~Q(grantor=F("requester")), name="nobody_grants_their_own_waiver"
                    ),
                    models.CheckConstraint(
                        condition=Q(state="revoked", revoked_at__isnull=False)
                        | (~Q(state="revoked") & Q(revoked_at=None, revoked_by=None)),
                        name="a_revoked_waiver_was_revoked_at_some_time",
                    ),
                ],
            },
        ),
        migrations.RunSQL(KEPT, migrations.RunSQL.noop),
        *(
            migrations.RunSQL(GUARD.format(name=name, event=event, when=when, told=told), migrations.RunSQL.noop)
            for name, event, when, told in GUARDS
        ),
        migrations.RunSQL(FIXED, migrations.RunSQL.noop),
    ]
