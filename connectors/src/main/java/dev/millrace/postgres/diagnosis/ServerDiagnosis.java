package dev.millrace.postgres.diagnosis;

import dev.millrace.postgres.Database;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.ResultSetMetaData;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// Reads the views of one server in one session, which may only read and whose statements end after
/// ten seconds. The session is opened by the first view; if the login fails, each view fails with
/// the same reason. Not thread-safe.
public final class ServerDiagnosis implements AutoCloseable {

    private static final Duration LONGEST = Duration.ofSeconds(10);

    private final Database database;
    private @Nullable Connection session;
    private @Nullable SQLException failure;

    /// @param database closed with this object
    public ServerDiagnosis(Database database) {
        this.database = database;
    }

    /// The rows, each with its columns in order. A value is as the server prints it.
    public List<Map<String, @Nullable String>> read(ServerView view) throws SQLException {
        try (Statement statement = session().createStatement();
                ResultSet row = statement.executeQuery(view.sql())) {
            ResultSetMetaData columns = row.getMetaData();
            List<Map<String, @Nullable String>> rows = new ArrayList<>();
            while (row.next()) {
                Map<String, @Nullable String> one = new LinkedHashMap<>();
                for (int i = 1; i <= columns.getColumnCount(); i++) {
                    one.put(columns.getColumnLabel(i), row.getString(i));
                }
                rows.add(one);
            }
            return rows;
        }
    }

    private Connection session() throws SQLException {
        if (failure != null) {
            throw failure;
        }
        Connection open = session;
        if (open == null) {
            open = open();
            session = open;
        }
        return open;
    }

    private Connection open() throws SQLException {
        try {
            Connection opened = database.connectForLongStatements("doctor", LONGEST);
            session = opened;
            opened.setReadOnly(true);
            return opened;
        } catch (SQLException e) {
            failure = e;
            throw e;
        }
    }

    @Override
    public void close() throws SQLException {
        try {
            if (session != null) {
                session.close();
            }
        } finally {
            database.close();
        }
    }
}
