"""How every figure looks, and how it becomes files."""
