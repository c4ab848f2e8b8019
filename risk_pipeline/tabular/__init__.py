"""Reading tables that people and spreadsheets write: text, separators, numbers, dates. Never guesses."""
