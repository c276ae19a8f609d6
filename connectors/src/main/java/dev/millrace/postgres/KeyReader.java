package dev.millrace.postgres;

import dev.millrace.postgres.TableFacts.Keys;
import dev.millrace.postgres.TableFacts.ReplicaIdentity;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// Reads how rows are identified: the primary key and the replica identity.
final class KeyReader {

    private static final String KEYS =
            """
            SELECT c.oid::int8 AS oid, c.relreplident, i.indisprimary, i.indisreplident,
                i.indimmediate AND i.indisvalid AS usable,
                ARRAY(SELECT a.attname::text FROM unnest(i.indkey) WITH ORDINALITY k (attnum, n)
                    JOIN pg_catalog.pg_attribute a
                        ON a.attrelid = i.indrelid AND a.attnum = k.attnum
                    WHERE k.n <= i.indnkeyatts ORDER BY k.n) AS columns
            FROM pg_catalog.pg_class c
            LEFT JOIN pg_catalog.pg_index i
                ON i.indrelid = c.oid AND (i.indisprimary OR i.indisreplident)
            WHERE c.oid = ANY (?::int8[])
            """;

    private record Index(boolean primary, boolean identity, boolean usable, List<String> columns) {}

    private static final class Found {
        private ReplicaIdentity identity = ReplicaIdentity.NOTHING;
        private Optional<Index> primary = Optional.empty();
        private Optional<Index> chosen = Optional.empty();
    }

    private final Connection connection;

    KeyReader(Connection connection) {
        this.connection = connection;
    }

    Map<Long, Keys> keys(Collection<Long> oids) {
        Map<Long, Found> found = new HashMap<>();
        Query.list(
                connection,
                KEYS,
                row -> {
                    addIndex(found.computeIfAbsent(row.getLong("oid"), _ -> new Found()), row);
                    return row.getLong("oid");
                },
                oids);
        Map<Long, Keys> keys = new HashMap<>();
        found.forEach((oid, each) -> keys.put(oid, judge(each)));
        return keys;
    }

    /// The keys of a relation; without columns if the relation no longer exists.
    static Keys of(Map<Long, Keys> keys, Long oid) {
        return keys.getOrDefault(oid, new Keys(ReplicaIdentity.NOTHING, List.of(), List.of()));
    }

    private static void addIndex(Found found, ResultSet row) throws SQLException {
        found.identity = identity(row.getString("relreplident"));
        Index index =
                new Index(
                        row.getBoolean("indisprimary"),
                        row.getBoolean("indisreplident"),
                        row.getBoolean("usable"),
                        Query.texts(row, "columns"));
        if (index.primary()) {
            found.primary = Optional.of(index);
        }
        if (index.identity()) {
            found.chosen = Optional.of(index);
        }
    }

    private static Keys judge(Found found) {
        List<String> primary = found.primary.map(Index::columns).orElse(List.of());
        Optional<Index> known =
                switch (found.identity) {
                    case DEFAULT, FULL -> found.primary;
                    case INDEX -> found.chosen;
                    case NOTHING -> Optional.empty();
                };
        return new Keys(
                found.identity,
                primary,
                known.filter(Index::usable).map(Index::columns).orElse(List.of()));
    }

    private static ReplicaIdentity identity(String letter) {
        return switch (letter) {
            case "d" -> ReplicaIdentity.DEFAULT;
            case "i" -> ReplicaIdentity.INDEX;
            case "f" -> ReplicaIdentity.FULL;
            case "n" -> ReplicaIdentity.NOTHING;
            default -> throw new IllegalStateException("Unknown relreplident: " + letter);
        };
    }
}
