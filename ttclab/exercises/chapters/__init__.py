"""The exercises of each chapter, with their cases, references and checks."""
