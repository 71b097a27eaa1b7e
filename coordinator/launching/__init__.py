"""How an installation starts and is examined: its ground, its first admin, its processes."""
