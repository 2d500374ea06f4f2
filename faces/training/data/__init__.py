"""Read labelled photographs, find copies among them, split them, and cut out their faces."""
