"""Changes of people beside their faces: each is one transaction with its audit, and may be asked for again."""
