package dev.millrace.control;

import dev.millrace.change.TargetChange;
import dev.millrace.control.ParkedKeys.ParkedKey;
import dev.millrace.postgres.Database;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.List;
import java.util.Optional;

/// Reads the keys of a generation, each call over its own pooled connection. Thread-safe.
///
/// @param control the database that contains the control schema
public record ParkedKeyReader(ParkedKeys keys, Database control, int generation) {

    /// As [ParkedKeys#list].
    public List<ParkedKey> list(String table, int most) throws SQLException {
        try (Connection connection = control.pooled()) {
            return keys.list(connection, generation, table, most);
        }
    }

    /// The held and parked keys, the oldest first.
    public List<ParkedKey> open() throws SQLException {
        try (Connection connection = control.pooled()) {
            return keys.open(connection, generation);
        }
    }

    public Optional<ParkedKey> find(long id) throws SQLException {
        try (Connection connection = control.pooled()) {
            return keys.find(connection, generation, id);
        }
    }

    /// As [ParkedKeys#changes].
    public List<TargetChange> changes(long id) throws SQLException {
        try (Connection connection = control.pooled()) {
            return keys.changes(connection, id);
        }
    }
}
