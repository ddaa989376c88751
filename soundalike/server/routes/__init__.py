"""The addresses of the API, a file for each subject. A route asks the library one question."""
