"""Hosts of mission processes under real faults: real processes, real kills, a PostgreSQL that may be killed too."""
