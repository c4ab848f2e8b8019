"""Extensions of Dagster: the only room that may import its private modules."""
