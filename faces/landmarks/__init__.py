"""Dense landmarks: MediaPipe's face mesh, and what follows from its points. Optional: docs/landmarks.md."""
