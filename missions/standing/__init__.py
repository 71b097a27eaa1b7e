"""How a mission stands: the small state that its process holds in memory, folded from its stream. All of it is pure."""
