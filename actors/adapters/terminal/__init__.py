"""The live view in the terminal (extra `terminal`); only `watch`, the screens and the table import Textual."""
