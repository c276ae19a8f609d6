package dev.millrace.postgres;

import dev.millrace.select.CaseMaps;
import dev.millrace.select.CaseMaps.CaseMap;
import java.sql.Connection;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;

/// Asks the server itself how each code point changes case, one statement per collation. A code
/// point is contextual when the case of two characters together isn't that of each: the final
/// sigma, the dots of Turkish and Lithuanian, the accents of Greek.
final class CaseMapReader {

    private static final String ALL =
            """
            WITH each AS MATERIALIZED (
                SELECT n, chr(n) AS c, lower(chr(n) COLLATE %1$s) AS low, upper(chr(n) COLLATE %1$s) AS up
                FROM generate_series(1, 1114111) n WHERE n NOT BETWEEN 55296 AND 57343),
            cased AS MATERIALIZED (
                SELECT * FROM each WHERE low COLLATE "C" <> c COLLATE "C" OR up COLLATE "C" <> c COLLATE "C"
                    OR n BETWEEN 768 AND 879)
            SELECT n, low, up, EXISTS (
                SELECT 1 FROM (VALUES ('a', ''), ('', 'b'), ('I', ''), ('i', ''), ('J', ''), (chr(940), '')) x (l, r)
                WHERE lower((l || c || r) COLLATE %1$s) COLLATE "C"
                        <> (lower(l COLLATE %1$s) || low || lower(r COLLATE %1$s)) COLLATE "C"
                    OR upper((l || c || r) COLLATE %1$s) COLLATE "C"
                        <> (upper(l COLLATE %1$s) || up || upper(r COLLATE %1$s)) COLLATE "C") AS contextual
            FROM cased
            """;

    private record Change(int codePoint, String lower, String upper, boolean contextual) {}

    private final Connection connection;

    CaseMapReader(Connection connection) {
        this.connection = connection;
    }

    CaseMaps read(Collection<String> collations) {
        Map<String, CaseMap> maps = new HashMap<>();
        for (String collation : Set.copyOf(collations)) {
            maps.put(collation, caseMap(collation));
        }
        return new CaseMaps(maps);
    }

    private CaseMap caseMap(String collation) {
        Map<Integer, String> lower = new HashMap<>();
        Map<Integer, String> upper = new HashMap<>();
        Set<Integer> contextual = new HashSet<>();
        for (Change change :
                Query.list(
                        connection,
                        ALL.formatted(Identifier.quote(collation)),
                        row ->
                                new Change(
                                        row.getInt("n"),
                                        row.getString("low"),
                                        row.getString("up"),
                                        row.getBoolean("contextual")))) {
            String self = Character.toString(change.codePoint());
            if (!change.lower().equals(self)) {
                lower.put(change.codePoint(), change.lower());
            }
            if (!change.upper().equals(self)) {
                upper.put(change.codePoint(), change.upper());
            }
            if (change.contextual()) {
                contextual.add(change.codePoint());
            }
        }
        return new CaseMap(lower, upper, contextual);
    }
}
