"""Telling people and machines outside what the ledger holds: routing, sending, signing, and when to try again."""
