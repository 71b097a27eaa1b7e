"""The product's password hasher with the fewest rounds that bcrypt has: tests hash many passwords."""

from django.contrib.auth.hashers import BCryptSHA256PasswordHasher


class FewRounds(BCryptSHA256PasswordHasher):
    rounds = 4
