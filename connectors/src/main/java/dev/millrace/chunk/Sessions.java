package dev.millrace.chunk;

import java.sql.Connection;
import java.sql.SQLException;

/// Where this room takes its connections from: each call gives one of its own, which this room
/// closes. Settings that bear on a value's text are pinned by this room in each transaction.
@FunctionalInterface
public interface Sessions {

    Connection open() throws SQLException;
}
