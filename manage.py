#!/usr/bin/env python
"""The operator's door: `python manage.py up` starts everything."""

import os
import sys

from django.core.management import execute_from_command_line

from coordinator import environment

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "coordinator.settings")
    if sys.argv[1:2] == ["up"]:
        environment.keep_secret(environment.data_directory())
    execute_from_command_line(sys.argv)
