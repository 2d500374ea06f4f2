"""Who is in a collection of photographs: find the faces, group them by person, and keep what people say of them."""
