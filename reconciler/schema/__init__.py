"""
JSON Schemas (draft 2020-12) of the formats that people and programs write and read.

They are made from the models each time they are asked for, so that they cannot say
less, or more, than the program does. What a schema cannot say (that a key stands twice,
that no name matches a pattern) `reconciler validate` says.
"""
