"""A client that plays a day of work: it knows the public API and a token, and nothing else of this house."""
