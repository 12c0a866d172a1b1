"""The set-up: from a goal to a launched program in a few questions. Nothing is posted before the launch."""
