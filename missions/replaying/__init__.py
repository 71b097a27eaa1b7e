"""A mission folded from its entries: `reading` and `snapshots` ask the database, everything else is pure."""
