"""Face regions in photographs' metadata, as other programs write them: read, written, and taken back."""
