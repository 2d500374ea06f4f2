"""Train networks that predict attributes of a face, and measure them by group."""
