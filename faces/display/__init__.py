"""Results drawn on images and shown in a window."""
