"""Search among enrolled faces: indexes, training, confidence."""
