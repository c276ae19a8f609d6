package dev.millrace.source;

import java.sql.Connection;
import java.sql.SQLException;

/// Opens pinned sessions on the source, in autocommit mode; the caller closes them.
@FunctionalInterface
public interface SourceConnections {

    Connection open(String purpose) throws SQLException;
}
