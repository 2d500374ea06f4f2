"""Recognition: the gallery, distances, classifiers, thresholds and recognizers."""
