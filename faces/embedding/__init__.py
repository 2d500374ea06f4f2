"""From a face to its embedding: landmarks, alignment, views, embedders."""
