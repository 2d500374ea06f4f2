"""Who a face is: the gallery, distances, classifiers, thresholds, recognizers."""
