package dev.millrace.target;

import java.sql.Connection;
import java.sql.SQLException;

/// Opens sessions on the target database with pinned settings, each new and unpooled; the caller
/// closes it.
@FunctionalInterface
public interface TargetSessions {

    Connection open() throws SQLException;
}
