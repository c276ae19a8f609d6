package dev.millrace.apply.copy;

import dev.millrace.change.Row;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.List;
import org.postgresql.PGConnection;
import org.postgresql.copy.CopyIn;

/// Sends rows to one COPY statement. Stateless.
public final class RowCopy {

    /// The size at which the buffer is passed to the driver. It fits into the socket's buffers, so
    /// that the server reads one part while the next is encoded.
    private static final int CHUNK = 1 << 16;

    private RowCopy() {}

    /// @param statement `COPY ... FROM STDIN`
    /// @return the number of rows that the server wrote
    public static long send(
            Connection connection, String statement, List<Integer> columns, List<Row> rows)
            throws SQLException {
        CopyIn copy = connection.unwrap(PGConnection.class).getCopyAPI().copyIn(statement);
        try {
            CopyText text = new CopyText();
            for (Row row : rows) {
                text.add(row, columns);
                if (text.size() >= CHUNK) {
                    copy.writeToCopy(text.buffer(), 0, text.size());
                    text.clear();
                }
            }
            copy.writeToCopy(text.buffer(), 0, text.size());
            return copy.endCopy();
        } finally {
            if (copy.isActive()) {
                copy.cancelCopy();
            }
        }
    }
}
