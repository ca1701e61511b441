"""Tasks: what the problems of a kind look like, how they are drawn, read and checked."""
