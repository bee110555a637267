"""The live view in the terminal, of the extra `terminal`: Textual is imported by `watch` and the screens alone."""
