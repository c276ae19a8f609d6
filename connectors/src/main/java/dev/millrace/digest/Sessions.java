package dev.millrace.digest;

import java.sql.Connection;
import java.sql.SQLException;

/// Opens sessions for this package. Each call returns a new connection with pinned settings and
/// without a time limit for statements; this package closes it.
@FunctionalInterface
public interface Sessions {

    Connection open() throws SQLException;
}
