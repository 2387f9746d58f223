"""Where last applied, the run lock and the journal are kept: a local file, or an object store."""
