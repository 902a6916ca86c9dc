"""A first study of a folder of annotated images: what lies there, what it makes of it, the study file."""
