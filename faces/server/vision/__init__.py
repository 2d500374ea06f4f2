"""What the server sees in a picture: faces, attributes, quality."""
