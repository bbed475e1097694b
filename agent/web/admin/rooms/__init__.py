"""What can be asked of the page for admins, by the part of the page that asks it."""
