package dev.millrace.target;

import java.sql.Connection;
import java.sql.SQLException;

/// Opens sessions on the target database, each new and unpooled; the caller closes it. The applier
/// pins what it needs on top of what the opener set.
@FunctionalInterface
public interface TargetSessions {

    Connection open() throws SQLException;
}
