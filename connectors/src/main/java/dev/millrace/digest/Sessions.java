package dev.millrace.digest;

import java.sql.Connection;
import java.sql.SQLException;

/// Where this room takes its connections from: each call opens one with pinned settings, in which a
/// statement may compute for long. This room closes it.
@FunctionalInterface
public interface Sessions {

    Connection open() throws SQLException;
}
