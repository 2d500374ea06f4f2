"""The page that names the people of a library of photographs: on this machine only, and for one user."""
