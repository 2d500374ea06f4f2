"""What the server says of itself: audit, logs, metrics."""
