"""Video: sources, tracking, events, output."""
