package dev.millrace.postgres;

import dev.millrace.grants.GrantedLogins.Login;
import dev.millrace.testing.TestDatabase;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/// Another value for every setting that Millrace pins. A database with all of them is the worst
/// configuration that an administrator can give a session.
public final class HostileSettings {

    static final Map<String, String> VALUES =
            Map.ofEntries(
                    Map.entry("TimeZone", "Asia/Kathmandu"),
                    Map.entry("timezone_abbreviations", "India"),
                    Map.entry("DateStyle", "German, DMY"),
                    Map.entry("IntervalStyle", "iso_8601"),
                    Map.entry("bytea_output", "escape"),
                    Map.entry("extra_float_digits", "-10"),
                    Map.entry("client_encoding", "SQL_ASCII"),
                    Map.entry("array_nulls", "off"),
                    Map.entry("xmloption", "document"),
                    Map.entry("xmlbinary", "hex"),
                    Map.entry("lc_monetary", "POSIX"),
                    Map.entry("lc_numeric", "POSIX"),
                    Map.entry("lc_time", "POSIX"),
                    Map.entry("quote_all_identifiers", "on"),
                    Map.entry("standard_conforming_strings", "off"),
                    Map.entry("backslash_quote", "off"),
                    Map.entry("row_security", "on"),
                    Map.entry("transform_null_equals", "on"),
                    Map.entry("gin_fuzzy_search_limit", "1"),
                    Map.entry("statement_timeout", "1s"),
                    Map.entry("transaction_timeout", "1s"),
                    Map.entry("idle_in_transaction_session_timeout", "500ms"),
                    Map.entry("idle_session_timeout", "500ms"),
                    Map.entry("wal_sender_timeout", "500ms"),
                    Map.entry("exit_on_error", "on"),
                    Map.entry("default_transaction_isolation", "serializable"),
                    Map.entry("default_transaction_read_only", "on"),
                    Map.entry("default_transaction_deferrable", "on"),
                    Map.entry("synchronous_commit", "off"),
                    Map.entry("lock_timeout", "1ms"));

    private HostileSettings() {}

    /// Sets them on the database and on logins in the database.
    public static void apply(TestDatabase database, Login... logins) {
        String name = Identifier.quote(database.name());
        List<String> statements = new ArrayList<>();
        VALUES.forEach(
                (setting, value) -> {
                    String set = " SET " + setting + " = " + Identifier.literal(value);
                    statements.add("ALTER DATABASE " + name + set);
                    for (Login login : logins) {
                        statements.add("ALTER ROLE " + login.name() + " IN DATABASE " + name + set);
                    }
                });
        database.execute(statements.toArray(String[]::new));
    }

    /// The pinned settings that have another value in the session.
    public static Map<String, String> unpinned(Connection connection) throws SQLException {
        Map<String, String> unpinned = new TreeMap<>(PinnedSettings.VALUES);
        try (var statement = connection.createStatement();
                ResultSet row =
                        statement.executeQuery(
                                "SELECT name, setting FROM pg_settings WHERE source = 'session'")) {
            while (row.next()) {
                unpinned.remove(row.getString(1), row.getString(2));
            }
        }
        return unpinned;
    }
}
