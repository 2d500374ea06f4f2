"""Commands that match photographs with each other, without a recognizer."""
