"""Is a face alive, or a photograph that is held up: presentation attack detection from the pixels of one picture."""
