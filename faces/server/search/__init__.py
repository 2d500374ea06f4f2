"""Search among enrolled faces: indexes, matching, training, confidence."""
