"""The site's secret key, and what is made with it: sealed rows, and templates that mean nothing elsewhere."""
