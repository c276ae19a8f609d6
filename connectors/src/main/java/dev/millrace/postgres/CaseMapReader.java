package dev.millrace.postgres;

import dev.millrace.select.CaseMaps;
import dev.millrace.select.CaseMaps.CaseMap;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;

/// Asks the source how its collations change case: one query over all code points for each. What
/// hangs on a character's neighbours is asked for as well; a collation with such a rule that isn't
/// known here is left out, and the compiler then refuses it by name.
public final class CaseMapReader {

    private static final String EVERY_CODE_POINT =
            "SELECT i, nullif(lower(c), c), nullif(upper(c), c) FROM (SELECT i, chr(i) COLLATE %1$s AS c"
                    + " FROM generate_series(1, 1114111) AS i WHERE i NOT BETWEEN 55296 AND 57343 OFFSET 0)"
                    + " AS points WHERE lower(c) COLLATE \"C\" <> c OR upper(c) COLLATE \"C\" <> c";

    /// Texts over which the known rules that look at neighbours differ from the characters alone:
    /// the final sigma, the dots of Turkish and Lithuanian, the accents of Greek capitals.
    private static final String[] WITH_NEIGHBOURS = {
        "I\u0307", "J\u0307", "\u012e\u0307", "\u00cc", "\u0128", "i\u0307", "\u03ac\u03b9",
        "\u03b1\u0301", "\u0390", "\u03b7\u0301", "\u1f84", "\u0587", "ij\u0301"
    };

    private static final int SIGMA = 0x03A3;

    private CaseMapReader() {}

    /// @param collations names as [dev.millrace.select.Relation.Collation] has them
    public static CaseMaps read(Connection source, Collection<String> collations)
            throws SQLException {
        Map<String, CaseMap> maps = new HashMap<>();
        try (Statement statement = source.createStatement()) {
            for (String collation : Set.copyOf(collations)) {
                CaseMap alone = everyCodePoint(statement, collation);
                Set<Integer> contextual = new HashSet<>();
                if (!changesAlone(source, collation, alone, "A\u03a3")) {
                    contextual.add(SIGMA);
                }
                boolean known = true;
                for (String text : WITH_NEIGHBOURS) {
                    known &= changesAlone(source, collation, alone, text);
                }
                if (known) {
                    maps.put(collation, new CaseMap(alone.lower(), alone.upper(), contextual));
                }
            }
        }
        return new CaseMaps(maps);
    }

    private static CaseMap everyCodePoint(Statement statement, String collation)
            throws SQLException {
        Map<Integer, String> lower = new HashMap<>();
        Map<Integer, String> upper = new HashMap<>();
        String sql = EVERY_CODE_POINT.formatted(quoted(collation));
        try (ResultSet points = statement.executeQuery(sql)) {
            while (points.next()) {
                int codePoint = points.getInt(1);
                put(lower, codePoint, points.getString(2));
                put(upper, codePoint, points.getString(3));
            }
        }
        return new CaseMap(lower, upper, Set.of());
    }
}
