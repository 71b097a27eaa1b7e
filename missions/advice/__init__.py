"""What deserves advice: rules over a mission's standing, thresholds, and readers of what no single mission holds."""
