"""What the server computes from an image: faces, embeddings, attributes, quality."""
