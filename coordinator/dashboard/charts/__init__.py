"""Pictures as server-rendered SVG: they morph, print, follow the theme and need no script. Pure functions."""
