"""How good finished models are (after ISO/IEC 19795-1): measures, bounds, plots, and a report in one HTML file."""
