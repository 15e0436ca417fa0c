"""The estimators, in scikit-learn's form: a method a file, each with its four classes."""
