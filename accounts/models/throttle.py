"""Failed sign-ins, to slow down guessing."""

from django.db import models


class FailedSignIn(models.Model):
    email = models.CharField(max_length=254)
    ip = models.CharField(max_length=64, blank=True)
    at = models.DateTimeField()

    class Meta:
        indexes = [
            models.Index(fields=["email", "at"], name="failed_email"),
            models.Index(fields=["ip", "at"], name="failed_ip"),
        ]

    def __str__(self) -> str:
        return f"{self.email} at {self.at}"
