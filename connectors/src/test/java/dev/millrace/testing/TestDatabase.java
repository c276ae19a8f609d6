package dev.millrace.testing;

import dev.millrace.postgres.SessionFactory;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import org.awaitility.Awaitility;
import org.jspecify.annotations.Nullable;

/// A database of one test.
public record TestDatabase(String url, String username, String password) {

    /// The same database and the same user at another address.
    TestDatabase at(String address) {
        return new TestDatabase(address, username, password);
    }

    public Connection connect() {
        try {
            return DriverManager.getConnection(url, username, password);
        } catch (SQLException e) {
            throw new IllegalStateException(url, e);
        }
    }

    /// A session as Millrace opens it. A statement may take longer than a test waits: otherwise a
    /// lost session ends by itself, and a test of what detects it cannot fail.
    public Connection session(String purpose) throws SQLException {
        return new SessionFactory("test", url, username, password)
                .open(purpose, Waits.LIMIT.multipliedBy(2));
    }

    public String name() {
        return new SessionFactory("test", url, username, password).database();
    }

    public void execute(String... statements) {
        try {
            KeptSessions.use(
                    this,
                    List.of(statements),
                    session -> {
                        try (var statement = session.createStatement()) {
                            for (String sql : statements) {
                                statement.execute(sql);
                            }
                        }
                        return true;
                    });
        } catch (SQLException e) {
            throw new IllegalStateException(e);
        }
    }

    /// All rows, every value as PostgreSQL's text.
    public List<List<@Nullable String>> query(String sql) {
        try {
            return KeptSessions.use(this, List.of(sql), session -> rows(session, sql));
        } catch (SQLException e) {
            throw new IllegalStateException(e);
        }
    }

    private static List<List<@Nullable String>> rows(Connection session, String sql)
            throws SQLException {
        try (var statement = session.createStatement();
                var rows = statement.executeQuery(sql)) {
            List<List<@Nullable String>> result = new ArrayList<>();
            while (rows.next()) {
                List<@Nullable String> row = new ArrayList<>();
                for (int i = 1; i <= rows.getMetaData().getColumnCount(); i++) {
                    row.add(rows.getString(i));
                }
                result.add(row);
            }
            return result;
        }
    }

    public @Nullable String value(String sql) {
        return query(sql).getFirst().getFirst();
    }

    /// From now on a commit waits for a standby that does not exist: it is in the WAL and not
    /// visible. Returns when this holds for every later commit: a new session has the setting only
    /// after the postmaster has signalled the checkpointer, and the checkpointer, which makes
    /// commits wait, follows the signal before it answers CHECKPOINT. Needs a server of the test.
    public void hideCommits() {
        execute("ALTER SYSTEM SET synchronous_standby_names = 'nobody'");
        query("SELECT pg_reload_conf()");
        Awaitility.await().until(() -> standbys().equals("nobody"));
        execute("CHECKPOINT");
    }

    private String standbys() throws SQLException {
        try (Connection session = connect()) {
            return String.valueOf(
                    rows(session, "SHOW synchronous_standby_names").getFirst().getFirst());
        }
    }

    /// Ends [#hideCommits]; the waiting commits become visible.
    public void showCommits() {
        execute("ALTER SYSTEM RESET synchronous_standby_names");
        query("SELECT pg_reload_conf()");
    }
}
