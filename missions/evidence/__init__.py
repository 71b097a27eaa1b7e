"""The evidence pack of a mission: what happened, what was decided and spent, and a verifier that needs only Python."""
