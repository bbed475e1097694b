"""What is kept of people, for how long, and their rights over it."""
