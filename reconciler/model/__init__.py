"""The words of the product as values: addresses, attributes, patterns, desired and live state. All pure."""
