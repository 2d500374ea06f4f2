"""Train classifiers of whole pictures, and convert those that Keras saved."""
